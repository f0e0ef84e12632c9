"""The checks before publishing: they read one (methodology, day) of `influence`, without a JVM, and raise if one refuses the
day.

Each check of `ROW_CHECKS` is a pure function from the partition's measures to a description of the fault. `jobs.nights.gate`
compares the number of people and their influence with earlier published days.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from jobs.errors import RefusedError
from jobs.nights import gate
from jobs.nights.gate import BOUNDS, OK, WARNING, Figures
from jobs.scratch import shared
from jobs.warehouse import runs, scored_rows
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.coverage import COVERAGE, PARTIAL
from schemas.influence import INFLUENCE
from schemas.publications import PUBLICATIONS
from schemas.table import ContractError

JOB = runs.CHECKS

# Doubles are stored and read without loss, but the check adds the parts again, and that rounds.
PARTS_TOLERANCE = 1e-9

Measures = Mapping[str, float]


class CheckError(RefusedError):
    """A partition that must not be published. The message names the table, the day, the expected value and the value read."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """The partition to check, and the number of published days to compare it with. `accept` is the reason why an operator
    accepts a day that is out of bounds; if it is None, such a day is refused."""

    day: date
    methodology: str
    gate_days: int = 7
    accept: str | None = None


def contract(schema: pa.Schema, rows: Iterable[pa.RecordBatch] = ()) -> str | None:
    """Returns the fault if a column is missing or has another type, or if a column that may not be null holds nulls."""
    try:
        arrow.check_schema(INFLUENCE, schema)
        for batch in rows:
            arrow.check(INFLUENCE, batch)
    except ContractError as error:
        return str(error)
    return None


def measures(partition: pa.RecordBatchReader) -> dict[str, float]:
    """All figures that the row checks need, by name, from one pass over the partition."""
    with shared() as db:
        db.register("influence", partition)
        aggregates = db.sql(
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
        return aggregates.to_arrow_table().to_pylist()[0]


def unique_grain(measured: Measures) -> str | None:
    """Returns the fault if a person has more than one row."""
    repeated = measured["people"] - measured["persons"]
    return f"{repeated:,} duplicate person_id, expected 0" if repeated else None


def some_people(measured: Measures) -> str | None:
    """Returns the fault if the partition has no rows."""
    return None if measured["people"] else "0 people, expected some"


def no_negative_influence(measured: Measures) -> str | None:
    """Returns the fault if influence or one of its parts is negative, or influence is infinite, NaN or null."""
    return (
        f"{measured['negative']:,} people with negative or infinite influence, expected 0"
        if measured["negative"]
        else None
    )


def parts_sum(measured: Measures) -> str | None:
    """Returns the fault if the sum of the parts differs from influence by more than `PARTS_TOLERANCE` * max(1, influence)."""
    return (
        f"{measured['unequal']:,} people whose parts do not sum to influence, expected 0"
        if measured["unequal"]
        else None
    )


def score_on_scale(measured: Measures) -> str | None:
    """Returns the fault if a score is NaN or outside 0 to 100."""
    return f"{measured['off_scale']:,} scores outside 0 to 100, expected 0" if measured["off_scale"] else None


def columns_in_range(measured: Measures) -> str | None:
    """Returns the fault unless rank >= 1, engager_count >= 0, percentile and window_coverage are within 0 to 1, amplification
    within 0 to 1e300 and inclusion within 0 to 100."""
    wrong = measured["out_of_range"]
    return (
        f"{wrong:,} rows with rank, percentile, engager_count, window_coverage, amplification or inclusion out of range,"
        " expected 0"
        if wrong
        else None
    )


ROW_CHECKS: tuple[Callable[[Measures], str | None], ...] = (
    some_people,
    unique_grain,
    no_negative_influence,
    parts_sum,
    score_on_scale,
    columns_in_range,
)


def run(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, str]:
    """Makes all checks and returns check -> `ok`, `warning: ...`, `accepted: ...` or the fault. If a check refuses the day,
    raises `CheckError` after all checks. If a column is missing or has another type, makes no other check."""
    with runs.recorded(warehouse, JOB, params.day, batch, methodology=params.methodology) as row:
        if params.accept:
            row.parameters["accept"] = params.accept
        version = row.inputs[INFLUENCE.name] = warehouse.version(INFLUENCE)
        # If the columns break the contract, no other check can run.
        left = contract(warehouse.dataset(INFLUENCE, {"day": params.day}, version=version).schema)
        row.checks = {"contract": left} if left else _results(warehouse, params, row)
        if params.accept:
            row.checks = gate.accepted(row.checks)
        if refused := gate.refusals(row.checks):
            problems = "; ".join(f"{name}: {problem}" for name, problem in refused.items())
            raise CheckError(
                f"influence {params.day} ({params.methodology}): {problems}; nothing published, what was published before"
                f" is kept{_way_out(params, refused)}"
            )
    return row.checks


def _way_out(params: Params, refused: Mapping[str, str]) -> str:
    if not set(refused) <= set(BOUNDS):
        return ""
    return f'. If the figures are right, run `clout publish --day {params.day} --accept "WHY"`'


def _results(warehouse: Warehouse, params: Params, row: Run) -> dict[str, str]:
    partition, version = {"methodology": params.methodology, "day": params.day}, row.inputs[INFLUENCE.name]
    rows = warehouse.reader(INFLUENCE, partition, version)
    left = contract(rows.schema, rows)
    measured = measures(warehouse.reader(INFLUENCE, partition, version))
    row.counts = {"people": measured["people"], "influence": measured["influence"]}
    scored_rows.digest(warehouse, row, partition, version)
    figures = Figures(int(measured["people"]), measured["influence"])
    before = gate.nearest(published_before(warehouse, params), params.day, params.gate_days)
    return (
        {"contract": left or OK}
        | {check.__name__: check(measured) or OK for check in ROW_CHECKS}
        | gate.verdicts(figures, before, params.gate_days)
        | {"coverage_present": _coverage(warehouse, params.day)}
    )


def published_before(warehouse: Warehouse, params: Params) -> dict[date, Figures]:
    """Day -> figures of the methodology's newest published days before the day, however old they are. Returns at least
    `gate_days` days, or all days if there are fewer."""
    figures: dict[date, Figures] = {}
    days = {date.fromisoformat(place["day"]) for place in warehouse.partitions(PUBLICATIONS)}
    for some in _batched(sorted((day for day in days if day < params.day), reverse=True), 2 * params.gate_days):
        if len(figures) >= params.gate_days:
            break
        changes = warehouse.read(
            PUBLICATIONS,
            {"day": some, "methodology": params.methodology},
            columns=["day", "sequence", "people", "influence", "scored_people", "scored_influence"],
        )
        newest = {row["day"]: row for row in changes.sort_by("sequence").to_pylist()}
        figures |= {day: found for day, row in newest.items() if (found := _scored(row)).people}
    return figures


def _scored(row: Mapping[str, Any]) -> Figures:
    """The figures of everybody scored, from a row of `publications`. Earlier versions of clout published everybody, and
    recorded only these figures."""
    if row["scored_people"] is None:
        return Figures(row["people"], row["influence"])
    return Figures(row["scored_people"], row["scored_influence"])


def _batched(days: Sequence[date], count: int) -> Iterable[tuple[date, ...]]:
    return (tuple(days[first : first + count]) for first in range(0, len(days), count))


def _coverage(warehouse: Warehouse, day: date) -> str:
    """Returns `ok`, or a warning that names the partial sources; if the day has no row of `coverage`, returns the fault."""
    sources = warehouse.read(COVERAGE, {"day": day}, columns=["source", "platform", "status", "reason"]).to_pylist()
    partial = [
        f"source {row['source']}: partial ({row['reason']})"
        for row in sorted(sources, key=lambda row: (row["source"], row["platform"]))
        if row["status"] == PARTIAL
    ]
    if not sources:
        return f"coverage {day}: 0 rows, expected one for each platform pulled"
    return f"{WARNING}{'; '.join(dict.fromkeys(partial))}" if partial else OK
