"""A mistyped id is noticed."""

from datetime import UTC, datetime

import pytest

from jobs.errors import UsageError
from jobs.people import presence
from jobs.warehouse import suppression
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.consent import CONSENT
from schemas.engagement import ENGAGEMENT
from schemas.scores import SCORES
from schemas.table import Table
from tests.fixture_types import ArrowRows


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (ACTIVITY, {"platform": "x", "actor_id": "ana"}), (ACTIVITY, {"platform": "x", "target_id": "ana"}),
        (ACCOUNTS, {"platform": "x", "account_id": "ana"}), (CONSENT, {"person_id": "x:ana", "scope": "no"}),
        (ENGAGEMENT, {"src": "x:ana"}), (ENGAGEMENT, {"dst": "x:ana"}), (SCORES, {"person_id": "x:ana"}),
    ],
    ids=lambda value: value.name if isinstance(value, Table) else ",".join(value),
)  # fmt: skip
def test_whom_a_table_names_is_known(
    warehouse: Warehouse, arrow_rows: ArrowRows, table: Table, row: dict[str, str]
) -> None:
    assert presence.unknown(warehouse, ["x:ana"]) == ["x:ana"]
    warehouse.append(table, arrow_rows(table, [row]), {}, run_id="r", job="j")
    assert presence.unknown(warehouse, ["x:an", "x:ana"]) == ["x:an"]
    presence.require(warehouse, ["x:ana"])


def test_who_is_unknown_is_refused_with_whom_the_operator_may_mean(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    scores = [{"person_id": who} for who in ("x:anastasia", "x:anastasja", "x:bo", "y:anastasia")]
    warehouse.append(SCORES, arrow_rows(SCORES, scores), {}, run_id="r", job="j")
    accounts = [{"platform": "x", "account_id": "88", "handle": "Anna"}]
    warehouse.append(ACCOUNTS, arrow_rows(ACCOUNTS, accounts), {}, run_id="r", job="j")
    with pytest.raises(UsageError) as error:
        presence.require(warehouse, ["x:bo", "x:Anastasia", "x:anna", "x:nobody at all"])
    assert str(error.value).splitlines() == [
        "x:Anastasia: nothing in this warehouse names this person; did you mean x:anastasia or x:anastasja or y:anastasia?",
        "x:anna: nothing in this warehouse names this person; did you mean x:88?",
        "x:nobody at all: nothing in this warehouse names this person",
        "If you mean somebody who may come later, add --in-advance",
    ]


def test_who_left_may_be_named_again(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of `forget` that died is continued by the same command."""
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    suppression.record(warehouse, ["x:ana"], at=datetime(2026, 11, 3, tzinfo=UTC), run_id="r")
    presence.require(warehouse, ["x:ana"])
