"""parquet: acts as a table of Parquet files, one act per row, for any platform (by default, the source's ID is its name).

The columns have the names and meanings of table `activity` (schemas/activity.py). Other columns are ignored.

    column       type                what
    kind         text                quote, reshare, reply, mention, like, follow or post
    actor_id     text, whole number  who acted
    target_id    the same            whose content it was about; of a post, null or the actor
    occurred_at  timestamp           when; UTC if it has no time zone
    activity_id  text, whole number  id of the act itself; if null or no such column, derived from actor, target and second
    object_id    the same            the target's content; may be null or no such column

Reads columns, not lines: to parse a million acts takes about a second. Only rows with faults or without an id are read one by
one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.ahead import ahead
from jobs.errors import UsageError
from jobs.sources.files import existing
from jobs.sources.lines import BROKEN, ReadError
from jobs.sources.page import ACTS, DAY_US, Act, Note, Page, PageBuilder, Record, Rejected, Unresolved, day_of
from jobs.sources.values import (
    EARLIEST,
    ID_LENGTH,
    LATEST,
    NO_TARGET,
    NO_TIME,
    account_id,
    dated,
    derived_id,
    from_micros,
)
from schemas.kinds import KINDS, POST

REQUIRED, IDS = ("kind", "actor_id", "target_id", "occurred_at"), ("actor_id", "target_id", "activity_id", "object_id")
COLUMNS = (*REQUIRED, "activity_id", "object_id")
WITHOUT_OBJECT = pa.array(("mention", "follow", POST))
CONTROL = r"[\x00-\x1f\x7f]"
ROWS_OF_A_PAGE = 100_000
PAGES_AHEAD = 2  # that are read while one is taken


class ParquetSource:
    """Files of one platform's acts. The platform is `platform` if given, else the source's ID."""

    def __init__(self, source_id: str, places: Sequence[str], platform: str | None = None) -> None:
        self.platforms = (platform or source_id,)
        self.files = existing(places, (".parquet",))

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Yields the pages of all files, each read once, whatever days they hold. Raises `UsageError` if a file is no Parquet
        file or lacks a column, and `ReadError` if the machine cannot read it."""
        for path in self.files:
            yield from ahead(_pages(self.platforms[0], path), PAGES_AHEAD)


def _pages(platform: str, path: Path) -> Iterator[Page]:
    row = 0
    try:
        with pq.ParquetFile(_readable(path)) as file:
            _refuse_other_columns(path, file.schema_arrow)
            names = [name for name in COLUMNS if name in file.schema_arrow.names]
            for batch in file.iter_batches(ROWS_OF_A_PAGE, columns=names):
                yield page(platform, str(path), batch, row + 1)
                row += batch.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise ReadError(f"{path}: {error.strerror}; nothing pulled, every day stays as it was") from error
        builder = PageBuilder(platform, str(path))
        builder.note(Note(f"{path.name} breaks off at row {row + 1}", True))
        builder.reject(row + 1, b"", Rejected(BROKEN))
        yield builder.page()
        return
    if row == 0:
        builder = PageBuilder(platform, str(path))
        builder.note(Note(f"{path.name} is empty", False))
        yield builder.page()


def _readable(path: Path) -> Path:
    """The path. Raises `UsageError` if it holds no Parquet file: such a file begins with `PAR1`."""
    if not path.is_file():
        raise UsageError(f"{path}: a Parquet file is read from its end; give a file, not a pipe")
    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            raise UsageError(f"{path}: no Parquet file; give JSON lines to a source of type activitystreams")
    return path


def _refuse_other_columns(path: Path, schema: pa.Schema) -> None:
    """Raises `UsageError`, which lists every column that is missing or of another type."""
    faults = [f"no column {name}" for name in REQUIRED if name not in schema.names]
    for field in schema:
        is_id = field.name in (*IDS, "kind")
        if is_id and not (_is_text(field.type) or (field.name != "kind" and pa.types.is_integer(field.type))):
            faults.append(f"{field.name} is {field.type}, expected text")
        elif field.name == "occurred_at" and not pa.types.is_timestamp(field.type):
            faults.append(f"{field.name} is {field.type}, expected a timestamp")
    if faults:
        raise UsageError(f"{path}: {'; '.join(faults)}; see infra/docs/sources.md")


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner)


def page(platform: str, file: str, batch: pa.RecordBatch, first_row: int) -> Page:
    """The page of these rows, which are numbered from `first_row` on. Raises `ArrowInvalid` if a text is not UTF-8."""
    batch.validate(full=True)
    rows = pa.record_batch(_columns(batch, first_row))
    plain = _plain(rows)
    builder = PageBuilder(platform, file)
    for row in rows.filter(pc.invert(plain)).to_pylist():
        line, text = row["line"], orjson.dumps({name: row[name] for name in COLUMNS})
        try:
            builder.add(line, text, [_record(row)])
        except Rejected as fault:
            builder.reject(line, text, fault)
    others, acts = builder.page(), rows.filter(plain)
    days = pc.value_counts(pc.divide(acts["occurred_at"], DAY_US)).to_pylist()
    return replace(
        others,
        acts=pa.concat_batches([acts, others.acts]),
        lines=others.lines + Counter({day_of(each["values"] * DAY_US): each["counts"] for each in days}),
    )


def _columns(batch: pa.RecordBatch, first_row: int) -> dict[str, pa.Array]:
    """The columns of `ACTS`: ids as text, instants in microseconds, the actor of a post as its target, and no object for kinds
    that have none."""
    nothing = pa.nulls(batch.num_rows, pa.string())
    stated = {name: batch[name].cast(pa.string()) if name in batch.schema.names else nothing for name in ("kind", *IDS)}
    is_own = pc.and_(pc.fill_null(pc.equal(stated["kind"], POST), False), pc.is_null(stated["target_id"]))
    columns = stated | {
        "target_id": pc.if_else(is_own, stated["actor_id"], stated["target_id"]),
        "object_id": pc.if_else(pc.is_in(stated["kind"], WITHOUT_OBJECT), nothing, stated["object_id"]),
        "occurred_at": _micros(batch["occurred_at"]),
        "line": pa.array(range(first_row, first_row + batch.num_rows), pa.int64()),
        "excerpt": nothing,
    }
    return {name: columns[name] for name in ACTS.names}


def _micros(times: pa.Array) -> pa.Array:
    """Microseconds since 1970, rounded down; 0 for instants that are out of range, which could overflow."""
    of_second = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[times.type.unit]
    ticks = times.cast(pa.int64())
    in_range = pc.and_(pc.greater_equal(ticks, EARLIEST * of_second), pc.less(ticks, LATEST * of_second))
    ticks = pc.if_else(in_range, ticks, 0)
    return (
        pc.divide(ticks, of_second // 1_000_000)
        if of_second > 1_000_000
        else pc.multiply(ticks, 1_000_000 // of_second)
    )


def _plain(rows: pa.RecordBatch) -> pa.BooleanArray:
    """Whether a row is an act as it is, so that `_record` need not look at it."""
    is_post = pc.equal(rows["kind"], POST)
    checks = [
        pc.is_in(rows["kind"], pa.array(KINDS)),
        pc.greater(rows["occurred_at"], 0),
        *(_is_id(rows[name]) for name in ("actor_id", "target_id", "activity_id")),
        pc.or_(pc.is_null(rows["object_id"]), pc.fill_null(_is_id(rows["object_id"]), False)),
        pc.or_(pc.invert(is_post), pc.equal(rows["actor_id"], rows["target_id"])),
    ]
    return pc.fill_null(reduce(pc.and_, checks), False)


def _is_id(ids: pa.Array) -> pa.BooleanArray:
    """Whether `account_id` accepts the text."""
    length = pc.utf8_length(ids)
    fits = pc.and_(pc.greater(length, 0), pc.less_equal(length, ID_LENGTH))
    return pc.and_(fits, pc.invert(pc.match_substring_regex(ids, CONTROL)))


def _record(row: Mapping[str, Any]) -> Record:
    """The record of one row of `_columns`. Raises `Rejected` if it violates the contract."""
    if row["occurred_at"] is None:
        return Unresolved(NO_TIME, None)
    occurred_at = from_micros(row["occurred_at"])
    with dated(occurred_at):
        kind, target = row["kind"], row["target_id"]
        if kind not in KINDS:
            raise Rejected(f"kind is none of {', '.join(KINDS)}")
        actor = account_id(row["actor_id"])
        if target is None:
            return Unresolved(NO_TARGET, occurred_at)
        target = account_id(target, "target")
        if kind == POST and target != actor:
            raise Rejected("target of a post is not its actor")
        act, about = row["activity_id"], row["object_id"]
        act = derived_id(actor, target, occurred_at) if act is None else account_id(act, "act")
        return Act(kind, actor, target, occurred_at, act, None if about is None else account_id(about, "object"))
