"""scores -> histories: reads one person's published days from monthly copies, and from `scores` for days without a copy.

Each day of scores is one file, so a person's ten years would take 3,650 files. A month's copy is one file, sorted by person.
"""

from collections.abc import Iterable, Iterator
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from jobs.days import end_of_month, month_of
from jobs.warehouse import rollups
from jobs.warehouse.arrow_writer import Layout
from jobs.warehouse.commits import Span
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.histories import HISTORIES
from schemas.scores import SCORES

JOB = "histories"

# To read one person, a reader loads one or two row groups per month. With zstd, reading would take 50% longer.
LAYOUT = Layout(rows_per_group=4_096, compression="snappy")


def of_person(warehouse: Warehouse, person_id: str, methodologies: Iterable[str]) -> pa.Table:
    """The person's rows of `scores` under these methodologies, unordered."""
    who = pc.field("person_id") == person_id
    parts = [arrow.schema(SCORES).empty_table()]
    for methodology in methodologies:
        of = {"methodology": methodology}
        files = rollups.files([warehouse.delta(SCORES)], of)
        copies = _right_copies(warehouse, methodology, rollups.by_month(files, cumulative=False))
        if copies:
            partition = {**of, "month": tuple(copies), "basis": tuple(copies.values())}
            parts.append(warehouse.read(HISTORIES, partition, columns=SCORES.column_names, where=who))
        days = sorted({day for day, _ in files if month_of(day) not in copies})
        if days:
            parts.append(warehouse.read(SCORES, {**of, "day": tuple(days)}, where=who))
    return pa.concat_tables(parts)


def make_copies(warehouse: Warehouse, *, run_id: str) -> None:
    """Makes the missing monthly copies of every methodology, except for its newest month. Then removes copies that no longer
    match. Raises `LostRaceError` if another run copies the same month."""
    for methodology, bases in _bases(warehouse):
        copies = _right_copies(warehouse, methodology, bases)
        for month in sorted(bases)[:-1]:
            if month not in copies:
                _make_copy(warehouse, methodology, month, bases[month], run_id)
    remove_wrong_copies(warehouse, run_id=run_id)


def remove_wrong_copies(warehouse: Warehouse, *, run_id: str) -> None:
    """Removes copies that no longer match the published scores."""
    for methodology, bases in _bases(warehouse):
        of = {"methodology": methodology}
        copied = rollups.bases_of_copies(warehouse, HISTORIES, of)
        wrong = {basis for month, made_from in copied.items() for basis in made_from if basis != bases.get(month)}
        if wrong:
            warehouse.delete(HISTORIES, {**of, "basis": tuple(sorted(wrong))}, run_id=run_id, job=JOB)


def _bases(warehouse: Warehouse) -> Iterator[tuple[str, dict[date, str]]]:
    """Each methodology with scores or copies, and the basis of each of its months."""
    listed = [*warehouse.partitions(SCORES), *warehouse.partitions(HISTORIES)]
    for methodology in sorted({partition["methodology"] for partition in listed}):
        files = rollups.files([warehouse.delta(SCORES)], {"methodology": methodology})
        yield methodology, rollups.by_month(files, cumulative=False)


def _make_copy(warehouse: Warehouse, methodology: str, month: date, basis: str, run_id: str) -> None:
    from jobs.scratch import scratch  # loads DuckDB, which readers do not need

    span = Span(month, end_of_month(month))
    scores = warehouse.reader(SCORES, {"methodology": methodology, "day": span})
    with scratch() as db:
        db.register("scores", scores)
        rows = db.sql(f"select date '{month}' as month, '{basis}' as basis, * from scores order by person_id, day")
        partition = {"methodology": methodology, "month": month}
        warehouse.replace(HISTORIES, rows.to_arrow_reader(), partition, run_id=run_id, job=JOB, layout=LAYOUT)


def _right_copies(warehouse: Warehouse, methodology: str, bases: dict[date, str]) -> dict[date, str]:
    """Month -> basis, of the copies that match the month's current files."""
    copied = rollups.bases_of_copies(warehouse, HISTORIES, {"methodology": methodology})
    return {month: basis for month, basis in bases.items() if basis in copied.get(month, ())}
