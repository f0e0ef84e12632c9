"""The gate: each check is seen to fail on a bad partition, and then nothing is published."""

import json
import math
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs import checks, publish
from jobs.checks import CheckError, Params
from jobs.nights.gate import BOUNDS
from jobs.publish import NotPublishedError
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from schemas.scores import SCORES

DAY = date(2026, 11, 3)
VERSION = "2026.11"
BATCH = Batch("test")


def person(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of `influence` that passes every check."""
    parts = {"direct": 1.0, "second": 0.5, "third": 0.25, "influence": 1.75, "score": 24.9}
    return {"day": DAY, "methodology": VERSION, "person_id": f"twitter:{number}", **parts} | changes


@pytest.fixture
def scored(warehouse, arrow_rows):
    """`scored([...])`: these rows are the day's `influence`, and the day is covered."""

    def write(people: list[dict[str, Any]], day: date = DAY, covered: bool = True) -> None:
        place = {"methodology": VERSION, "day": day}
        once: dict[str, dict[str, Any]] = {}
        repeats = []  # of a person: `replace` refuses them, so they come with a write of their own
        for row in people:
            if once.setdefault(row["person_id"], row) is not row:
                repeats.append(row | {"day": day})
        rows = arrow_rows(INFLUENCE, [row | {"day": day} for row in once.values()])
        warehouse.replace(INFLUENCE, rows, place, run_id="r", job="influence")
        if repeats:
            warehouse.append(INFLUENCE, arrow_rows(INFLUENCE, repeats), place, run_id="r", job="influence")
        coverage = arrow_rows(COVERAGE, [{"day": day}] if covered else [])
        warehouse.replace(COVERAGE, coverage, {"day": day}, run_id="r", job="j")

    return write


def check(warehouse: Warehouse, day: date = DAY) -> dict[str, str]:
    return checks.run(warehouse, Params(day=day, methodology=VERSION), BATCH)


def publish_day(warehouse: Warehouse, day: date = DAY) -> None:
    publish.run(warehouse, publish.Params(day=day, methodology=load(VERSION)), BATCH)


def published(warehouse: Warehouse) -> list[dict[str, Any]]:
    return arrow.sorted_by_grain(SCORES, warehouse.read(SCORES)).to_pylist()


NAMES = [
    "contract",
    "some_people",
    "unique_grain",
    "no_negative_influence",
    "parts_sum",
    "score_on_scale",
    "columns_in_range",
    "people_within_trailing_bounds",
    "influence_within_trailing_bounds",
    "coverage_present",
]


def test_a_good_day_passes_every_check_and_the_run_records_them(warehouse, scored):
    scored([person(1), person(2, direct=0.0, second=0.0, third=0.0, influence=0.0, score=0.0), person(3, score=100.0)])
    assert check(warehouse) == dict.fromkeys(NAMES, "ok")
    (row,) = warehouse.read(RUNS).to_pylist()
    assert (row["job"], row["status"], json.loads(row["checks"])) == ("checks", "done", dict.fromkeys(NAMES, "ok"))
    assert json.loads(row["inputs"]) == {"influence": 1}
    assert json.loads(row["counts"]) == {"people": 3, "influence": 3.5}


BAD = {
    "nobody": ([], "some_people: 0 people, expected some"),
    "one person twice": ([person(), person()], "unique_grain: 1 duplicate person_id, expected 0"),
    "negative influence": (
        [person(direct=-2.75, influence=-2.0, score=0.0)],
        "no_negative_influence: 1 people with negative or infinite influence, expected 0",
    ),
    "a negative part that hides in the sum": (
        [person(second=-0.5, third=1.25)],
        "no_negative_influence: 1 people with negative or infinite influence, expected 0",
    ),
    "infinite influence": (
        [person(direct=math.inf, influence=math.inf)],
        "no_negative_influence: 1 people with negative or infinite influence, expected 0; parts_sum: 1 people whose parts do"
        " not sum to influence, expected 0",
    ),
    "influence that is no number": (
        [person(direct=math.nan, influence=math.nan)],
        "no_negative_influence: 1 people with negative or infinite influence, expected 0",
    ),
    "a part that is no number": (
        [person(third=math.nan)],
        "parts_sum: 1 people whose parts do not sum to influence, expected 0",
    ),
    "parts that do not sum": (
        [person(direct=1.000001)],
        "parts_sum: 1 people whose parts do not sum to influence, expected 0",
    ),
    "a score above 100": ([person(score=100.1)], "score_on_scale: 1 scores outside 0 to 100, expected 0"),
    "a score below 0": ([person(score=-0.1)], "score_on_scale: 1 scores outside 0 to 100, expected 0"),
    "a score that is no number": ([person(score=math.nan)], "score_on_scale: 1 scores outside 0 to 100, expected 0"),
    **{
        f"{column} {value}": (
            [person() | {column: value}],
            "columns_in_range: 1 rows with rank, percentile, engager_count, window_coverage, amplification or inclusion out of"
            " range, expected 0",
        )
        for column, value in (
            ("rank", 0), ("percentile", 1.1), ("percentile", -0.1), ("engager_count", -1), ("window_coverage", 1.1),
            ("amplification", -0.1), ("amplification", math.nan), ("inclusion", -0.1),
            ("inclusion", 100.1), ("inclusion", math.nan),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_every_fault_of_a_bad_day_is_reported_and_nothing_is_published(warehouse, scored, bad):
    people, expected = BAD[bad]
    scored([person(), person(2)])
    check(warehouse)
    publish_day(warehouse)
    before = published(warehouse)
    scored(people)
    with pytest.raises(CheckError) as failed:
        check(warehouse)
    problems, end = str(failed.value).removeprefix("influence 2026-11-03 (2026.11): ").split("; nothing published")
    assert (problems, end) == (expected, ", what was published before is kept")
    with pytest.raises(NotPublishedError, match=r"its checks failed .*; nothing published"):
        publish_day(warehouse)
    assert published(warehouse) == before
    (row,) = [row for row in warehouse.read(RUNS).to_pylist() if (row["job"], row["status"]) == ("checks", "failed")]
    assert row["error"] == str(failed.value)
    faults = {name: result for name, result in json.loads(row["checks"]).items() if result != "ok"}
    assert "; ".join(f"{name}: {result}" for name, result in faults.items()) == expected


def test_a_day_without_coverage_is_not_published(warehouse, scored):
    scored([person()], covered=False)
    with pytest.raises(
        CheckError, match="coverage_present: coverage 2026-11-03: 0 rows, expected one for each platform"
    ):
        check(warehouse)


def test_several_faults_are_reported_at_once(warehouse, scored):
    scored([person(score=101.0), person(direct=3.0)], covered=False)
    with pytest.raises(CheckError) as failed:
        check(warehouse)
    for name in ("unique_grain", "parts_sum", "score_on_scale", "coverage_present"):
        assert f"{name}: " in str(failed.value)


def test_a_table_that_left_its_contract_is_reported(tmp_path, arrow_rows):
    """Another program wrote ranks as text, and left out where they are."""
    warehouse = Warehouse(str(tmp_path))
    good = arrow_rows(INFLUENCE, [person()])
    bad = good.set_column(good.column_names.index("rank"), "rank", pa.array(["first"])).drop_columns(["platform"])
    write_deltalake(warehouse.path(INFLUENCE), bad, partition_by=list(INFLUENCE.partition_by))
    warehouse.create_tables()
    with pytest.raises(
        CheckError, match=r"contract: influence: platform: expected string, missing; rank: expected int64"
    ):
        check(warehouse)
    assert isinstance(warehouse.delta(SCORES), DeltaTable)
    assert published(warehouse) == []


def test_nulls_against_the_contract_are_reported(arrow_rows):
    good = arrow_rows(INFLUENCE, [person()])
    nullable = pa.schema([field.with_nullable(True) for field in good.schema])
    bad = good.cast(nullable).set_column(6, nullable.field(6), pa.nulls(1, pa.float64()))
    assert checks.contract(bad.schema, bad.to_batches()) == "influence: influence: 1 nulls, expected 0"
    assert checks.contract(good.schema, good.to_batches()) is None


# What was published before bounds a day


@pytest.fixture
def published_days(warehouse, arrow_rows):
    """`published_days({day: (people, influence)})`: these days' newest publications."""

    def write(days: dict[date, tuple[int, float]], sequence: int = 1, methodology: str = VERSION) -> None:
        for day, (people, influence) in days.items():
            row = {"day": day, "methodology": methodology, "sequence": sequence, "change": "publish"}
            rows = arrow_rows(PUBLICATIONS, [row | {"people": people, "influence": influence}])
            partition = {"day": day, "methodology": methodology, "sequence": sequence}
            warehouse.replace(PUBLICATIONS, rows, partition, run_id="r", job="publish")

    return write


def before(*people: int, last: date = DAY - timedelta(days=1)) -> dict[date, tuple[int, float]]:
    return {last - timedelta(days=n): (count, 1.75 * count) for n, count in enumerate(reversed(people))}


PEOPLE = "people_within_trailing_bounds"
TOO_FEW = "people 2.0, expected 50.0 to 1,000.0 after the"


def test_after_enough_published_days_a_day_out_of_bounds_is_refused_however_old_they_are(
    warehouse, scored, published_days
):
    published_days(before(*[100] * 7, last=date(2020, 1, 31)))
    scored([person(1), person(2)])
    with pytest.raises(CheckError) as failed:
        check(warehouse)
    assert f"{PEOPLE}: {TOO_FEW} 7 days published before (2020-01-25..2020-01-31)" in str(failed.value)
    assert str(failed.value).endswith(
        'is kept. If the figures are right, run `clout publish --day 2026-11-03 --accept "WHY"`'
    )


def test_after_fewer_published_days_it_passes_with_a_warning_on_record(warehouse, scored, published_days):
    published_days(before(*[100] * 6))
    scored([person(1), person(2)])
    results = check(warehouse)
    assert results[PEOPLE] == f"warning: {TOO_FEW} 6 days published before (2026-10-28..2026-11-02)"
    assert [name for name, result in results.items() if result != "ok"] == list(BOUNDS)
    assert json.loads(warehouse.read(RUNS)["checks"][0].as_py()) == results


def test_what_counts_of_a_published_day_is_its_newest_change_under_the_same_methodology(
    warehouse, scored, published_days
):
    days = before(*[100] * 7)
    published_days(days)
    published_days(before(2), sequence=2)  # the day before was restored or published again
    published_days(before(*[100] * 40, last=DAY + timedelta(days=50)), methodology="2027.01")
    scored([person(1), person(2)])
    assert check(warehouse)[PEOPLE] == "ok"
    published_days({DAY - timedelta(days=1): (0, 0.0)}, sequence=3)  # withdrawn
    assert check(warehouse)[PEOPLE].startswith(f"warning: {TOO_FEW} 6 days")


def test_the_nearest_days_are_sought_among_withdrawn_and_missing_ones(warehouse, scored, published_days):
    published_days(before(*[100] * 7, last=DAY - timedelta(days=200)))
    published_days(before(*[0] * 40))
    scored([person(1), person(2)])
    with pytest.raises(CheckError, match=r"7 days published before \(2026-04-11\.\.2026-04-17\)"):
        check(warehouse)


def test_an_operator_may_accept_what_is_out_of_bounds_and_nothing_else(warehouse, scored, published_days):
    published_days(before(*[100] * 7))
    scored([person(1), person(2)])
    accepting = Params(day=DAY, methodology=VERSION, accept="the platform closed down")
    results = checks.run(warehouse, accepting, BATCH)
    assert results[PEOPLE].startswith(f"accepted: {TOO_FEW} 7 days")
    (run,) = warehouse.read(RUNS).to_pylist()
    assert json.loads(run["parameters"])["accept"] == "the platform closed down"
    assert json.loads(run["checks"]) == results
    scored([person(1), person(2, score=101.0)])
    with pytest.raises(CheckError, match="score_on_scale: 1 scores outside 0 to 100") as failed:
        checks.run(warehouse, accepting, BATCH)
    assert "--accept" not in str(failed.value)
    assert "bounds" not in str(failed.value)


def test_a_partial_source_is_named_and_refuses_nothing(warehouse, scored, arrow_rows):
    scored([person()])
    reports = [
        {"source": "b", "status": "partial", "reason": "the file ends early"},
        {"source": "a", "status": "partial", "reason": "hour 7 is missing"},
        {"source": "c"},
    ]
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, reports), {"day": DAY}, run_id="r", job="j")
    assert check(warehouse)["coverage_present"] == (
        "warning: source a: partial (hour 7 is missing); source b: partial (the file ends early)"
    )
