"""The gate: each check is seen to fail on a bad partition, and then nothing is published."""

import json
import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs import checks, publish
from jobs.checks import CheckError
from jobs.publish import NotPublishedError
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.jobs.passing import BATCH, DAY, VERSION, check, person


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


def test_a_good_day_passes_every_check_and_the_run_records_them(
    warehouse: Warehouse, scored: Callable[..., None]
) -> None:
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
def test_every_fault_of_a_bad_day_is_reported_and_nothing_is_published(
    warehouse: Warehouse, scored: Callable[..., None], bad: str
) -> None:
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


def test_a_day_without_coverage_is_not_published(warehouse: Warehouse, scored: Callable[..., None]) -> None:
    scored([person()], covered=False)
    with pytest.raises(
        CheckError, match="coverage_present: coverage 2026-11-03: 0 rows, expected one for each platform"
    ):
        check(warehouse)


def test_several_faults_are_reported_at_once(warehouse: Warehouse, scored: Callable[..., None]) -> None:
    scored([person(score=101.0), person(direct=3.0)], covered=False)
    with pytest.raises(CheckError) as failed:
        check(warehouse)
    for name in ("unique_grain", "parts_sum", "score_on_scale", "coverage_present"):
        assert f"{name}: " in str(failed.value)


@pytest.mark.integration
def test_a_table_that_left_its_contract_is_reported(tmp_path: Path, arrow_rows: ArrowRows) -> None:
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


def test_nulls_against_the_contract_are_reported(arrow_rows: ArrowRows) -> None:
    good = arrow_rows(INFLUENCE, [person()])
    nullable = pa.schema([field.with_nullable(True) for field in good.schema])
    bad = good.cast(nullable).set_column(6, nullable.field(6), pa.nulls(1, pa.float64()))
    assert checks.contract(bad.schema, bad.to_batches()) == "influence: influence: 1 nulls, expected 0"
    assert checks.contract(good.schema, good.to_batches()) is None


def test_a_partial_source_is_named_and_refuses_nothing(
    warehouse: Warehouse, scored: Callable[..., None], arrow_rows: ArrowRows
) -> None:
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
