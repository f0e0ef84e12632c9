"""A change in words: sentences that hold whichever way a sum goes, and that name no reason by its code."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from jobs.cli import change_explanations
from schemas.score_changes import REASONS
from tests.grounds import LABEL

PARTS = ("direct", "second", "third")


def reason(code: str, people: dict[str, float], others: float = 0.0) -> dict[str, Any]:
    """What a reason moved by these people, name -> accounts' worth, and by one more who is not named."""
    whole = sum(people.values()) + others
    return {
        "reason": code, "influence": whole, "points": whole / 2, "people_count": len(people) + bool(others),
        "people": [{"person_id": name, "influence": worth, "points": worth / 2} for name, worth in people.items()],
        "others": {"people": int(bool(others)), "influence": others, "points": others / 2},
    }  # fmt: skip


def change(*reasons: dict[str, Any], **columns: Any) -> dict[str, Any]:
    """Ana's change by these reasons from one account's worth, all of it direct."""
    moved = sum(found["influence"] for found in reasons)
    held = {"influence": 1.0 + moved, "direct": 1.0 + moved, "second": 0.0, "third": 0.0, "score": 10 + moved / 2}
    before = {"influence": 1.0, "direct": 1.0, "second": 0.0, "third": 0.0, "score": 10.0}
    return {
        "person_id": "x:ana", "day": date(2026, 11, 4), "since_day": date(2026, 11, 3),
        "methodology": "2026.12", "since_methodology": "2026.11", "reasons": list(reasons), "uncovered_days": {},
        "accounts_gained": ["y:ana"], "accounts_lost": 2, "handles": {}, **held,
        **{f"since_{name}": value for name, value in before.items()}, **columns,
    }  # fmt: skip


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[dict[str, Any]], list[str]]:
    """`said(change)`: its lines."""

    def lines(explanation: dict[str, Any]) -> list[str]:
        change_explanations.print_change(explanation, LABEL)
        return capsys.readouterr().out.splitlines()

    return lines


SENTENCES = {
    "accounts_linked": ("y:ana became yours and 2 accounts ceased to be yours: more attention reaches you than before",
                        "y:ana became yours and 2 accounts ceased to be yours: less attention reaches you than before"),
    "new_engagement": "new acts of 2 people who had engaged with you before",
    "engager_arrived": "2 people newly engage with you",
    "faded_engagement": "earlier acts of 2 people faded with time",
    "engager_left": "2 people no longer engage with you: their acts are too long ago",
    "attention_moved": ("2 people who engage with you distributed their attention differently: more of it reaches you",
                        "2 people who engage with you turned their attention elsewhere: less of it reaches you"),
    "engagers_attention": ("more attention reaches you through those who engage with you",
                           "less attention reaches you through those who engage with you"),
    "coverage_restored": "more is known about earlier days: acts of 2 people arrived that had been missing, or aged by days now"
                         " covered",
    "coverage_missing": "less is known about earlier days: acts of 2 people are gone, or aged less by days no longer covered",
    "credibility": "2 people declared that they are bots, or no longer do",
    "methodology": "methodology 2026.12 counts the same acts differently from 2026.11",
}  # fmt: skip


@pytest.mark.parametrize("gain", [True, False], ids=["gain", "loss"])
@pytest.mark.parametrize("code", REASONS)
def test_each_reason_is_a_sentence(said: Callable[[dict[str, Any]], list[str]], code: str, gain: bool) -> None:
    sign = 1 if gain else -1
    is_nobodys = code in ("methodology", "accounts_linked")  # no engager's doing
    people = {} if is_nobodys else {"x:bo": sign * 0.25}
    lines = said(change(reason(code, people, others=sign * 0.125)))
    sentence = SENTENCES[code] if isinstance(SENTENCES[code], str) else SENTENCES[code][0 if gain else 1]
    rows = [line.split(maxsplit=2) for line in lines]
    whole = sign * (sum(map(abs, people.values())) + 0.125)
    assert [f"{whole / 2:+.4f}", f"{whole:+,.4f}", sentence] in rows
    assert [f"{whole / 2:+.4f}", f"{whole:+,.4f}", "total"] in rows
    if people:
        assert f"{sentence}: x:bo {sign * 0.25:+.4f}, 1 others {sign * 0.125:+.4f}" in lines
    assert [other for other in REASONS if "_" in other and other in "\n".join(lines)] == []


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("engager_arrived", "1 person newly engages with you"),
        ("engager_left", "1 person no longer engages with you: their acts are too long ago"),
        (
            "attention_moved",
            "1 person who engages with you distributed their attention differently: more of it reaches you",
        ),
        ("credibility", "1 person declared that they are a bot, or no longer do"),
    ],
)
def test_one_person_is_written_in_the_singular(
    said: Callable[[dict[str, Any]], list[str]], code: str, sentence: str
) -> None:
    assert f"{sentence}: x:bo +0.2500" in said(change(reason(code, {"x:bo": 0.25})))


@pytest.mark.parametrize("code", ["engager_left", "faded_engagement"])
def test_a_loss_of_the_great_is_not_laid_on_the_small_who_came(
    said: Callable[[dict[str, Any]], list[str]], code: str
) -> None:
    """A celebrity's engagement ends while a newcomer's begins: both are named, the newcomer with a plus."""
    left, came = reason(code, {"x:celebrity": -5.0}), reason("engager_arrived", {"x:newcomer": 0.1})
    lines = said(change(left, came, influence=1.1, since_influence=6.0))
    assert "1 person newly engages with you: x:newcomer +0.1000" in lines
    assert [line for line in lines if line.endswith(": x:celebrity -5.0000")] != []
    assert change_explanations.NEVER_A_LOSS in lines


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ({"since_third": 0.5, "influence": 2.0}, "third"),
        ({"since_second": 0.5, "since_third": 0.5, "influence": 2.0}, "second and third"),
        ({"since_third": 0.5, "influence": 0.5}, None),  # the sum fell
        (
            {"since_direct": 2.0, "second": 1.5, "influence": 2.0},
            None,
        ),  # the direct part alone may fall, and hide nothing
    ],
)
def test_a_part_that_fell_while_the_sum_rose(
    said: Callable[[dict[str, Any]], list[str]], columns: dict[str, float], parts: str | None
) -> None:
    """Nothing is said of why: somebody may have come closer, or gone while a stranger came."""
    sentence = (
        f"Your {parts} degree fell while the sum rose: the parts say by how many steps attention comes, and may trade places;"
        " the sum is what counts."
    )
    assert [line for line in said(change(**columns)) if "while the sum rose" in line] == ([sentence] if parts else [])
