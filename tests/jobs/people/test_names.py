"""People who did not agree to be named are null in an explanation; their numbers stay."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from jobs.people.admission import Admission
from jobs.people.names import hidden

BO_TO_ANA = {"platform": "x", "actor_id": "bo", "target_id": "ana", "kind": "reply"}
EXPLANATION: dict[str, Any] = {
    "person_id": "x:ana",
    "day": date(2026, 11, 3),
    "engagers": [{"person_id": "x:bo", "points": 2.0}, {"person_id": "x:cy", "points": 1.0}],
    "paths": [{"people": ["x:cy", "x:bo", "x:ana"], "kinds": ["like", "reply"], "influence": 0.5}],
    "reasons": [{"reason": "engager_arrived", "people": [{"person_id": "x:cy", "points": 1.0}], "points": 1.0}],
    "acts": [
        {**BO_TO_ANA, "activity_id": "0", "day": date(2026, 11, 2), "occurred_at": 1},
        {**BO_TO_ANA, "activity_id": "2", "day": date(2026, 11, 3), "occurred_at": 1},
        {
            "platform": "x",
            "actor_id": "cy",
            "target_id": "bo",
            "activity_id": "1",
            "day": date(2026, 11, 3),
            "occurred_at": 2,
        },
    ],
    "handles": {"x:ana": "ana", "x:bo": "bo", "x:cy": "cy"},
}

# The act by cy: first of its day, so that its place among the others says nothing about its time.
HIDDEN = EXPLANATION["acts"][2] | {"actor_id": None, "activity_id": None, "occurred_at": None}


class Decision(Admission):
    """Admits these people."""

    def __init__(self, *named: str) -> None:
        object.__setattr__(self, "_named", set(named))

    def named(self, people: Iterable[str]) -> set[str]:
        return self._named & set(people)  # type: ignore[attr-defined]


def test_hidden_people_are_null_and_their_numbers_stay() -> None:
    assert hidden(EXPLANATION, Decision("x:bo")) == {
        **EXPLANATION,
        "engagers": [{"person_id": "x:bo", "points": 2.0}, {"person_id": None, "points": 1.0}],
        "paths": [{"people": [None, "x:bo", "x:ana"], "kinds": ["like", "reply"], "influence": 0.5}],
        "reasons": [{"reason": "engager_arrived", "people": [{"person_id": None, "points": 1.0}], "points": 1.0}],
        "acts": [EXPLANATION["acts"][0], HIDDEN, EXPLANATION["acts"][1]],
        "handles": {"x:ana": "ana", "x:bo": "bo"},
    }


def test_nothing_is_hidden_where_everybody_agreed() -> None:
    assert hidden(EXPLANATION, Decision("x:bo", "x:cy")) == EXPLANATION
