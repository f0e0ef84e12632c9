"""What happened next, on hand rows."""

import pyarrow as pa
import pytest

from jobs.scratch import scratch
from jobs.validation import outcomes
from schemas.validations import OUTCOMES

LATER = [
    ("cy", "ana", "like"),
    ("cy", "ana", "reshare"),  # the same account: one
    ("dee", "ana", "quote"),
    ("dee", "bo", "reply"),
    ("eve", "bo", "follow"),
    ("cy", "new", "reshare"),
]
EARLIER = [("cy", "ana"), ("ana", "dee"), ("bo", "eve")]


@pytest.mark.parametrize(
    ("outcome", "received", "total"),
    [("engaged", [2, 2, 0], 5), ("newly-engaged", [1, 2, 0], 4), ("reshared", [2, 0, 0], 3)],
)
def test_accounts_are_counted_once_and_whoever_received_nothing_has_zero(
    outcome: str, received: list[int], total: int
) -> None:
    with scratch() as db:
        db.execute("create table later (src text, dst text, kind text)")
        db.execute("create table earlier (src text, dst text)")
        db.executemany("insert into later values (?, ?, ?)", LATER)
        db.executemany("insert into earlier values (?, ?)", EARLIER)
        people = pa.chunked_array([["ana", "bo", "cy"]])
        assert outcomes.received(db, people, outcome).tolist() == received
        assert outcomes.total(db, outcome) == total


def test_every_outcome_has_a_condition() -> None:
    assert outcomes.CONDITIONS.keys() == OUTCOMES.keys()
