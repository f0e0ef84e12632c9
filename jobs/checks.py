"""The gate before publishing: reads one (methodology, day) of `influence`, without a JVM, and raises unless all is well.

Each check is a pure function from the partition (as a DuckDB relation named `influence`) to what was found wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from jobs import runs
from jobs.errors import RefusedError
from jobs.runs import Batch, Run
from jobs.storage import Warehouse
from schemas import arrow
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.scores import SCORES
from schemas.table import ContractError

JOB = "checks"

# Between equal doubles written by two programs nothing may differ; parts are added once more here, in doubles.
PARTS_TOLERANCE = 1e-9
TRAILING_DAYS = 7
LOWEST_SHARE, HIGHEST_FACTOR = 0.5, 10.0  # real weeks grow sixfold in a day

Measures = Mapping[str, float]


class CheckError(RefusedError):
    """A partition that must not be published. Names table, day, what was expected and what was found."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """The partition to check."""

    day: date
    methodology: str


def contract(schema: pa.Schema, rows: Iterable[pa.RecordBatch] = ()) -> str | None:
    """Every column is there, of its type, with nulls only where the contract allows them."""
    try:
        arrow.check_schema(INFLUENCE, schema)
        for batch in rows:
            arrow.check(INFLUENCE, batch)
    except ContractError as error:
        return str(error)
    return None


def measures(partition: pa.RecordBatchReader) -> dict[str, float]:
    """Everything the checks look at, in one pass."""
    with duckdb.connect() as db:
        db.register("influence", partition)
        found = db.sql(
            f"""
            select count(*) as people, count(distinct person_id) as persons, coalesce(sum(influence), 0) as influence,
              count(*) filter (not (influence >= 0 and direct >= 0 and second >= 0 and third >= 0)
                or not isfinite(influence) or influence is null) as negative,
              count(*) filter (not abs(direct + second + third - influence)
                <= {PARTS_TOLERANCE} * greatest(1, influence)) as unequal,
              count(*) filter (not score between 0 and 100 or isnan(score)) as off_scale,
              count(*) filter (not percentile between 0 and 1 or not window_coverage between 0 and 1 or rank < 1
                or engager_count < 0 or not coalesce(amplification, 0) between 0 and 1e300
                or not coalesce(inclusion, 0) between 0 and 100) as out_of_range
            from influence
            """
        )
        return found.to_arrow_table().to_pylist()[0]


def unique_grain(found: Measures) -> str | None:
    repeated = found["people"] - found["persons"]
    return f"{repeated:,} duplicate person_id, expected 0" if repeated else None


def some_people(found: Measures) -> str | None:
    return None if found["people"] else "0 people, expected some"


def no_negative_influence(found: Measures) -> str | None:
    return (
        f"{found['negative']:,} people with negative or infinite influence, expected 0" if found["negative"] else None
    )


def parts_sum(found: Measures) -> str | None:
    return f"{found['unequal']:,} people whose parts do not sum to influence, expected 0" if found["unequal"] else None


def score_on_scale(found: Measures) -> str | None:
    return f"{found['off_scale']:,} scores outside 0 to 100, expected 0" if found["off_scale"] else None


def columns_in_range(found: Measures) -> str | None:
    wrong = found["out_of_range"]
    return (
        f"{wrong:,} rows with rank, percentile, engager_count, window_coverage, amplification or inclusion out of range,"
        " expected 0"
        if wrong
        else None
    )


def within_trailing_bounds(name: str, value: float, trailing: list[float]) -> str | None:
    """Not below half the lowest nor above ten times the highest of the days published before; exempt where none was."""
    if not trailing:
        return None
    low, high = LOWEST_SHARE * min(trailing), HIGHEST_FACTOR * max(trailing)
    if low <= value <= high:
        return None
    return f"{name} {value:,.1f}, expected {low:,.1f} to {high:,.1f} after the {len(trailing)} days published before"


ROW_CHECKS: tuple[Callable[[Measures], str | None], ...] = (
    some_people,
    unique_grain,
    no_negative_influence,
    parts_sum,
    score_on_scale,
    columns_in_range,
)


def run(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, str]:
    """Check -> `ok` or what is wrong; all are made before any raises."""
    with runs.recorded(warehouse, JOB, params.day, batch, methodology=params.methodology) as row:
        version = row.inputs[INFLUENCE.name] = warehouse.version(INFLUENCE)
        # Of a table that left its contract nothing else can be asked.
        left = contract(warehouse.dataset(INFLUENCE, version).schema)
        results = {"contract": left} if left else _results(warehouse, params, row)
        row.checks = {name: problem or "ok" for name, problem in results.items()}
        problems = [f"{name}: {problem}" for name, problem in results.items() if problem]
        if problems:
            raise CheckError(
                f"influence {params.day} ({params.methodology}): {'; '.join(problems)}; nothing published, what was"
                " published before stays"
            )
    return row.checks


def _results(warehouse: Warehouse, params: Params, row: Run) -> dict[str, str | None]:
    partition, version = {"methodology": params.methodology, "day": params.day}, row.inputs[INFLUENCE.name]
    rows = warehouse.reader(INFLUENCE, partition, version)
    results = {"contract": contract(rows.schema, rows)}
    found = measures(warehouse.reader(INFLUENCE, partition, version))
    row.counts = {"people": found["people"], "influence": found["influence"]}
    results |= {check.__name__: check(found) for check in ROW_CHECKS}
    trailing = trailing_days(warehouse, params)
    for name in ("people", "influence"):
        bounds = [day[name] for day in trailing]
        results[f"{name}_within_trailing_bounds"] = within_trailing_bounds(name, found[name], bounds)
    results["coverage_present"] = _coverage(warehouse, params.day)
    return results


def trailing_days(warehouse: Warehouse, params: Params) -> list[dict[str, Any]]:
    """People and total influence of the methodology's published days among the seven before."""
    before = (
        (pc.field("methodology") == params.methodology)
        & (pc.field("day") >= params.day - timedelta(days=TRAILING_DAYS))
        & (pc.field("day") < params.day)
    )
    published = warehouse.read(SCORES, columns=["day", "influence"], where=before)
    totals = published.group_by("day").aggregate([("influence", "sum"), ("influence", "count")])
    return [{"people": row["influence_count"], "influence": row["influence_sum"]} for row in totals.to_pylist()]


def _coverage(warehouse: Warehouse, day: date) -> str | None:
    if warehouse.row_count(COVERAGE, {"day": day}):
        return None
    return f"coverage {day}: 0 rows, expected one for each platform pulled"
