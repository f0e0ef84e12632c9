"""Whom clout may publish and name."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from jobs import links
from jobs.errors import UsageError
from jobs.people import admission, consent, legal_basis
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from tests.fixture_types import ArrowRows
from tests.grounds import LABEL, REASON

DAY = date(2026, 11, 3)
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
EVERYBODY = ["x:public", "x:audiences", "x:self", "x:no", "x:unknown", "sample-birdsong:a1"]


@pytest.fixture
def asked(warehouse: Warehouse) -> Callable[..., admission.Admission]:
    """`asked(with_basis)`: the decision after four people said something different."""

    def decided(with_basis: bool) -> admission.Admission:
        rows = [consent.row(f"x:{scope}", scope, DAY) for scope in ("public", "audiences", "self", "no")]
        consent.record(warehouse, rows, at=NOON, by="tests", origin="import", run_id="r")
        if not with_basis:
            legal_basis.record(warehouse, None, at=NOON, by="tests", run_id="r")
        return admission.decide(warehouse, DAY)

    return decided


def admitted(decision: admission.Admission) -> list[str]:
    people = pa.table({"person_id": EVERYBODY, "n": range(6)}).to_reader(max_chunksize=2)
    return decision.admitted(people).read_all()["person_id"].to_pylist()


def test_by_consent_only_people_who_agreed_are_published(asked: Callable[..., admission.Admission]) -> None:
    decision = asked(with_basis=False)
    assert (decision.ground, decision.label) == ("consent", "everybody shown agreed to be published")
    simulated = ["sample-birdsong:a1"]
    assert admitted(decision) == ["x:public", *simulated]
    assert decision.named(EVERYBODY) == {"x:public", *simulated}


def test_on_a_legal_basis_everybody_is_published_who_did_not_refuse(asked: Callable[..., admission.Admission]) -> None:
    decision = asked(with_basis=True)
    assert (decision.ground, decision.label) == (REASON, LABEL)
    assert admitted(decision) == ["x:public", "x:unknown", "sample-birdsong:a1"]
    assert decision.named(EVERYBODY) == {"x:public", "x:unknown", "sample-birdsong:a1"}


@pytest.mark.parametrize(("with_basis", "expected"), [(False, ["x:public"]), (True, ["x:public", "x:unknown"])])
def test_of_a_persons_accounts_the_narrowest_word_counts(
    asked: Callable[..., admission.Admission], warehouse: Warehouse, with_basis: bool, expected: list[str]
) -> None:
    """An account that refused takes its person along, whatever the others agreed to."""
    asked(with_basis)
    for number, pair in enumerate((("x:public", "y:one"), ("x:unknown", "y:two"), ("x:no", "w:three"))):
        word = links.Params(at=NOON + timedelta(number), by="t", day=DAY)
        links.record(warehouse, word, *pair, Batch("t"))
    agreed = admission.decide(warehouse, DAY)
    simulated = ["sample-birdsong:a1"]
    assert admitted(agreed) == [*expected, *simulated]
    assert agreed.named([*EVERYBODY, "y:one", "w:three"]) == {*expected, *simulated, "y:one"}
    refused = [consent.row("y:one", "no", DAY)]
    consent.record(warehouse, refused, at=NOON, by="tests", origin="import", run_id="r")
    assert admitted(admission.decide(warehouse, DAY)) == [*expected[1:], *simulated]
    assert "x:public" not in admission.decide(warehouse, DAY).named(EVERYBODY)


def test_a_decision_stays_while_consent_changes(
    asked: Callable[..., admission.Admission], warehouse: Warehouse
) -> None:
    decision = asked(with_basis=False)
    more = [consent.row("x:unknown", "public", DAY)]
    consent.record(warehouse, more, at=NOON, by="tests", origin="import", run_id="r")
    assert "x:unknown" not in admitted(decision)
    assert "x:unknown" in admitted(admission.decide(warehouse, DAY))


@pytest.mark.integration
def test_a_warehouse_without_a_choice_is_refused_with_both_ways(tmp_path: Path) -> None:
    nowhere = Warehouse(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError) as error:
        admission.require_choice(nowhere)
    assert "clout consent import FILE" in str(error.value)
    assert '--everybody "REASON"' in str(error.value)
    nowhere.create_tables()
    with pytest.raises(UsageError):
        admission.require_choice(nowhere)
    rows = [consent.row("x:ana", "no", DAY)]
    consent.record(nowhere, rows, at=NOON, by="tests", origin="import", run_id="r")
    admission.require_choice(nowhere)  # somebody was asked


def test_a_simulation_is_labelled_as_one_whatever_its_ground(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    assert admission.decide(warehouse).label == LABEL
    row = arrow_rows(COVERAGE, [{"platform": "sample-birdsong"}])
    warehouse.replace(COVERAGE, row, {"platform": "sample-birdsong"}, run_id="r", job="j")
    assert admission.decide(warehouse).label == "SIMULATED: these people do not exist"
