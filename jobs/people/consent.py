"""The table `consent`: records what people agree to, and reads what each person's consent is on a day. A person without a
record has not agreed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import UsageError
from jobs.warehouse.storage import Warehouse, rows
from schemas import arrow
from schemas.consent import CONSENT, NO, SCOPES

if TYPE_CHECKING:
    import duckdb

JOB = "consent"
IMPORT = "import"  # the origin of a file's rows
BATCH_ROWS = 100_000

# For each person, the scope of the row that applies and was recorded last. If several were recorded at once, the narrowest
# counts.
_IN_FORCE = """
    select person_id, arg_max(scope, (recorded_at, -width)) as scope
    from (select person_id, scope, recorded_at, list_position($scopes, scope) as width from consent
          where since <= $day and (until is null or $day < until))
    group by person_id
"""


def people(warehouse: Warehouse, day: date, version: int, scopes: Sequence[str]) -> pa.Array:
    """The people (`person_id`) whose consent on the UTC day is one of the scopes."""
    from jobs.scratch import scratch  # loads DuckDB, which a look-up of a few people does not need

    with scratch() as db:
        _read(db, warehouse, day, version)
        query = "select person_id from in_force where scope in (select unnest($asked))"
        found = db.sql(query, params={"asked": list(scopes)}).to_arrow_table()
    return found["person_id"].combine_chunks()


def counts(warehouse: Warehouse, day: date) -> dict[str, int]:
    """Scope -> number of people whose consent on the UTC day is exactly this scope; the widest scope comes first."""
    from jobs.scratch import scratch

    with scratch() as db:
        _read(db, warehouse, day, warehouse.version(CONSENT))
        counted = dict(db.sql("select scope, count(*) from in_force group by scope").fetchall())
    return {scope: counted.get(scope, 0) for scope in reversed(SCOPES)}


def _read(db: "duckdb.DuckDBPyConnection", warehouse: Warehouse, day: date, version: int) -> None:
    """Creates the table `in_force` (person_id, scope): each person's consent on the UTC day, if there is one."""
    db.register("consent", warehouse.dataset(CONSENT, version=version))
    db.execute(f"create table in_force as {_IN_FORCE}", {"scopes": list(SCOPES), "day": day})
    db.unregister("consent")


def of_people(warehouse: Warehouse, people: Iterable[str], day: date, version: int | None = None) -> dict[str, str]:
    """Person -> scope on the UTC day, of these people. Omits people without consent."""
    asked = pa.array(sorted(set(people)), pa.string())
    recorded = warehouse.read(CONSENT, where=pc.field("person_id").isin(asked), version=version)
    found: dict[str, tuple[datetime, int]] = {}
    for row in recorded.to_pylist():
        if row["since"] <= day and (row["until"] is None or day < row["until"]):
            rank = (row["recorded_at"], -SCOPES.index(row["scope"]))
            found[row["person_id"]] = max(rank, found.get(row["person_id"], rank))
    return {person: SCOPES[-width] for person, (_, width) in found.items()}


def timely(
    warehouse: Warehouse, given: Iterable[Mapping[str, Any]], on_outdated: Callable[[], None]
) -> Iterator[Mapping[str, Any]]:
    """The rows of `given` except outdated ones: a row is outdated if the person said something else after the row's `said_at`.
    Calls `on_outdated` for each outdated row. Rows without `said_at` are never outdated. A recorded refusal counts as said when
    it was recorded; any other scope from a file, on the day that the file names if that is earlier. A refusal in `given` counts
    as said at the end of its day, so it is later than any other scope of the same day."""
    version = warehouse.version(CONSENT)
    for chunk in _chunks(given):
        latest = _latest(warehouse, {row["person_id"] for row in chunk if row.get("said_at")}, version)
        for row in chunk:
            said_at, scope = latest.get(row["person_id"], (None, None))
            own = row.get("said_at")
            if own and row["scope"] == NO:
                own = datetime.combine(own.date(), time.max, own.tzinfo)
            if own and said_at and own < said_at and scope != row["scope"]:
                on_outdated()
            else:
                yield row


def _latest(warehouse: Warehouse, people: Iterable[str], version: int) -> dict[str, tuple[datetime, str]]:
    """Person -> the time and the scope of their last statement."""
    asked = pa.array(sorted(people), pa.string())
    recorded = warehouse.read(CONSENT, where=pc.field("person_id").isin(asked), version=version) if len(asked) else None
    latest: dict[str, tuple[datetime, int]] = {}
    for row in recorded.to_pylist() if recorded else ():
        said_at = row["recorded_at"]
        if row["origin"] == IMPORT and row["scope"] != NO:
            said_at = min(said_at, datetime.combine(row["since"], time(), said_at.tzinfo))
        said = (said_at, -SCOPES.index(row["scope"]))
        latest[row["person_id"]] = max(said, latest.get(row["person_id"], said))
    return {person: (said_at, SCOPES[-width]) for person, (said_at, width) in latest.items()}


def is_recorded(warehouse: Warehouse, version: int | None = None) -> bool:
    """Whether anybody's consent or refusal was ever recorded."""
    return warehouse.row_count(CONSENT, {}, version) > 0


def record(
    warehouse: Warehouse, given: Iterable[Mapping[str, Any]], *, at: datetime, by: str, origin: str, run_id: str
) -> int:
    """Adds a row for each of `given` (person_id, scope, since, until), in one commit. A row may have its own `recorded_at`,
    `origin` and `evidence`. Returns the number of rows. Raises like `Warehouse.append`; if `given` raises an error, no row is
    added."""
    common = {"recorded_at": at, "recorded_by": by, "origin": origin}
    count = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal count
        for chunk in _chunks(given):
            count += len(chunk)
            yield from rows(CONSENT, [{**common, **row} for row in chunk]).to_batches()

    stream = pa.RecordBatchReader.from_batches(arrow.schema(CONSENT), batches())
    warehouse.append(CONSENT, stream, {}, run_id=run_id, job=JOB)
    return count


def _chunks(given: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    chunk: list[Mapping[str, Any]] = []
    for row in given:
        chunk.append(row)
        if len(chunk) == BATCH_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def row(person: str, scope: str, since: date, until: date | None = None) -> dict[str, Any]:
    """One person's consent as `record` takes it. Raises `UsageError` with every fault."""
    faults = list(_faults(person, scope, since, until))
    if faults:
        raise UsageError("; ".join(faults))
    return {"person_id": person, "scope": scope, "since": since, "until": until}


def _faults(person: str, scope: str, since: date, until: date | None) -> Iterator[str]:
    platform, colon, account = person.partition(":")
    if not (platform and colon and account) or not person.isprintable() or person != person.strip():
        yield f"{person!r} is no person_id; expected PLATFORM:ACCOUNT_ID, such as twitter:88"
    if scope not in SCOPES:
        yield f"scope {scope!r} is unknown; expected one of {', '.join(reversed(SCOPES))}"
    if until is not None and until <= since:
        yield f"until {until} must be after since {since}"
