"""Queries of published data: the top of a day, one person's history, restatements, and the export to a file."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs import labels
from jobs.csv_writer import CsvWriter
from jobs.errors import CloutError, UsageError
from jobs.files import appearing
from jobs.people.admission import Admission
from jobs.warehouse import histories
from jobs.warehouse.storage import Warehouse
from schemas.restatements import RESTATEMENTS
from schemas.scores import SCORES
from schemas.versions import official

GROUND = pa.field("ground", pa.string())


def newest_day(warehouse: Warehouse, methodology: str | None = None) -> date:
    """The newest day published under that methodology or, if None, under each day's official one. Raises `CloutError` if there
    is none."""
    partitions = warehouse.partitions(SCORES)
    days = [
        date.fromisoformat(partition["day"])
        for partition in partitions
        if partition["methodology"] == (methodology or official(date.fromisoformat(partition["day"])))
    ]
    if not days:
        raise CloutError(f"scores: no day is published in {warehouse.root} yet; run `clout run`")
    return max(days)


def top(admission: Admission, day: date, methodology: str, count: int) -> pa.Table:
    """Rows of `scores` of the day's first `count` people who may be shown, sorted by rank (1 first) and person_id. Raises
    `CloutError` if the day is not published."""
    warehouse, partition = admission.warehouse, {"methodology": methodology, "day": day}
    ranks = warehouse.read(SCORES, partition, columns=["rank"])["rank"].sort()  # of everybody scored, so with gaps
    if not len(ranks):
        raise CloutError(
            f"scores {day} ({methodology}): not published; the newest published day is {newest_day(warehouse)}"
        )
    people = warehouse.read(SCORES, partition, where=pc.field("rank") <= ranks[min(count, len(ranks)) - 1])
    named = admission.named(people["person_id"].to_pylist())
    if not named:
        raise CloutError(
            f"scores {day} ({methodology}): the first {count} agree no longer; `clout consent apply` takes them out"
        )
    people = people.filter(pc.is_in(people["person_id"], value_set=pa.array(sorted(named), pa.string())))
    return people.sort_by([("rank", "ascending"), ("person_id", "ascending")]).slice(0, count)


def person_id(admission: Admission, person: str) -> str:
    """The person_id for a handle, with or without `@`; text with a colon is a person_id already and is returned unchanged.

    Takes whoever has the handle on the newest published day on which anybody has it. Raises `CloutError` if no published person
    ever had it or if the person may not be shown, and `UsageError` if several people have it on that day.
    """
    known = {person} if ":" in person else _bearers(admission.warehouse, person.removeprefix("@"))
    people = admission.named(known)
    if not people:
        raise _nobody(person)
    if len(people) > 1:
        raise UsageError(f"{person!r} is the handle of several people: {', '.join(sorted(people))}; give one person_id")
    return people.pop()


def _bearers(warehouse: Warehouse, handle: str) -> set[str]:
    """The person_ids with this handle on the newest published day on which anybody has it.

    Searches backwards, four times as many days at each step, because the newest days nearly always suffice.
    """
    left = sorted({partition["day"] for partition in warehouse.partitions(SCORES)}, reverse=True)
    count = 1
    while left:
        days, left = tuple(map(date.fromisoformat, left[:count])), left[count:]
        rows = warehouse.read(SCORES, {"day": days}, columns=["day", "person_id"], where=pc.field("handle") == handle)
        if rows.num_rows:
            return set(rows.filter(pc.equal(rows["day"], pc.max(rows["day"])))["person_id"].to_pylist())
        count *= 4
    return set()


def _nobody(person: str) -> CloutError:
    return CloutError(
        f"scores: no published person is called {person!r}; give a person_id such as `twitter:88`, or a handle"
    )


def history(admission: Admission, person: str, methodology: str | None, day: date | None = None) -> pa.Table:
    """One person's rows of `scores` in order of day; if `day` is given, only the row of that day. The rows are of that
    methodology or, if it is None, of each day's official one.

    `person` is a person_id or a handle. Raises `CloutError` if there is no such row or the person may not be shown, and the
    errors of `person_id`.
    """
    warehouse = admission.warehouse
    who = person_id(admission, person)
    if day is not None:
        rows = warehouse.read(
            SCORES,
            {"day": day} | ({"methodology": methodology} if methodology else {}),
            where=pc.field("person_id") == who,
        )
    else:
        published = {partition["methodology"] for partition in warehouse.partitions(SCORES)}
        rows = histories.of_person(warehouse, who, sorted(published & {methodology} if methodology else published))
        if not rows.num_rows and methodology is None:
            raise _nobody(person)
    if methodology is None:
        days = [official(row_day.as_py()) for row_day in rows["day"]]
        rows = rows.filter(pc.equal(rows["methodology"], pa.array(days, pa.string())))
    if not rows.num_rows:
        by = methodology or "the official methodology"
        if day:
            raise CloutError(
                f"scores {day} ({by}): {person} has no score; `clout show {person}` lists the days with one"
            )
        raise CloutError(f"scores: no day of {person!r} is published under {by}")
    return rows.sort_by("day")


def restatements(warehouse: Warehouse, day: date | None, methodology: str | None) -> pa.Table:
    """Rows of `restatements`, newest first; only those of `day` and `methodology` if given."""
    partition = {name: value for name, value in (("day", day), ("methodology", methodology)) if value is not None}
    return warehouse.read(RESTATEMENTS, partition).sort_by([("restated_at", "descending")])


def export(admission: Admission, day: date, methodology: str, to: Path) -> int:
    """Writes a published day as one Parquet or CSV file, atomically, and returns its row count. A last column, `ground`, says
    in each row why the person may be published.

    Raises `UsageError` for another suffix than .parquet or .csv, and `CloutError` if nobody is published
    on the day.
    """
    kinds = {".parquet": _parquet, ".csv": _csv}
    if to.suffix not in kinds:
        raise UsageError(f"{to}: the name must end in .parquet or .csv")
    partition = {"methodology": methodology, "day": day}
    reader = admission.admitted(admission.warehouse.reader(SCORES, partition))
    count = 0
    schema = reader.schema.append(GROUND)
    with appearing(to) as part, kinds[to.suffix](part, schema) as writer:
        for batch in reader:
            for grounded in with_ground(admission, pa.Table.from_batches([batch])).to_batches():
                writer.write_batch(grounded)
            count += batch.num_rows
        if not count:  # so that no file appears
            raise CloutError(f"scores {day} ({methodology}): nobody is published, nothing exported")
    return count


def with_ground(admission: Admission, scores: pa.Table) -> pa.Table:
    """The rows with a last column, `ground`, which says why each person may be published."""
    return scores.append_column(GROUND, pc.if_else(scores["simulated"], labels.SIMULATION, admission.ground))


def _parquet(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema)


def _csv(path: Path, schema: pa.Schema) -> CsvWriter:
    return CsvWriter(path, schema)
