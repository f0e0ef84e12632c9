"""Collects a pull's pages in a database, and returns the rows of each day once every act has its outcome (`outcomes`).

DuckDB spills what exceeds its memory, so a pull of any size fits.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from jobs import scratch
from jobs.days import days_between
from jobs.memory_budget import budget_bytes
from jobs.sources import outcomes
from jobs.sources.page import DAY_US, Note, Page
from jobs.warehouse import digests
from schemas import arrow
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.rejects import REJECTS
from schemas.table import Table

BATCH_ROWS = 65_536
PULLS = 2  # pulls that run side by side share the memory budget
MOST_TYPES = 1000  # unknown types counted separately; a hostile file may have one per line

_TABLES = """
create table acts (platform text, day date, file_no int, line bigint, kind text, actor_id text, target_id text,
                   occurred_at bigint, activity_id text, object_id text, excerpt text, outcome text);
create table authors (platform text, object_id text, account_id text);
create table undos (platform text, day date, activity_id text, actor_id text);
create table accounts (platform text, day date, file_no int, line bigint, account_id text, handle text,
                       display_name text, created_at bigint, follower_count bigint, following_count bigint,
                       is_bot boolean);
create table faults (platform text, day date, file_no int, line bigint, outcome text, reason text, excerpt text,
                     dated boolean);
"""

# The rows of one platform and day, unordered: content of the tables, and input of the digests.
_OF_A_DAY = "where platform = $platform and day = $day"
_ACTIVITY = f"""
select platform, day, $source as source, activity_id, kind, actor_id, target_id, object_id, occurred_at,
       null::bigint as observed_at, file_no, line
from resolved {_OF_A_DAY} and outcome = 'act'
"""
_LAST_KNOWN = ", ".join(
    f"arg_max({name}, (file_no, line)) as {name}"
    for name in ("handle", "display_name", "created_at", "follower_count", "following_count", "is_bot")
)
_ACCOUNTS = f"""
select platform, day, $source as source, account_id, {_LAST_KNOWN}
from accounts {_OF_A_DAY} group by platform, day, account_id
"""
_REJECTS = f"""
select platform, day, $source as source, file, line, outcome, reason, excerpt, file_no
from faulty_lines join files using (file_no) {_OF_A_DAY}
"""


class Spool:
    """The pages of one pull of one source, for the requested days. Created by `spool()`."""

    def __init__(self, db: duckdb.DuckDBPyConnection, source: str, first_day: date, last_day: date) -> None:
        self.source = source
        self.first_day = first_day
        self.last_day = last_day
        self.files: list[str] = []
        self.lines: Counter[tuple[str, date]] = Counter()
        self.ignored: Counter[tuple[str, date]] = Counter()
        self.notes: dict[tuple[str, date], list[Note]] = {}
        self.unknown: Counter[tuple[str, date, str]] = Counter()  # activities of unknown types
        self.dated: Counter[date] = Counter()  # lines with a readable day
        self.line_count = 0
        self._db = db
        self._db.execute("set preserve_insertion_order = false")
        self._db.execute(_TABLES)
        # A line without a readable time belongs to the first requested day. Other days are ignored.
        first = f"date '{first_day}'"
        self._act_day = f"(date '1970-01-01' + (occurred_at // {DAY_US})::int)"
        self._day = f"coalesce({self._act_day}, {first})"
        self._asked = f"{self._day} between {first} and date '{last_day}'"

    @property
    def days(self) -> list[date]:
        """The requested days, ascending."""
        return days_between(self.first_day, self.last_day)

    def add(self, page: Page) -> None:
        """Stores a page, without rows of days that were not requested. Pages of one file must follow each other."""
        if not self.files or self.files[-1] != page.file:
            self.files.append(page.file)
        file_no = len(self.files)
        columns = "kind, actor_id, target_id, occurred_at, activity_id, object_id, excerpt, 'act'"
        self._insert("acts", page, page.acts, columns, file_no)
        self._insert("faults", page, page.faults, "outcome, reason, excerpt, occurred_at is not null", file_no)
        self._insert("undos", page, page.undos, "activity_id, actor_id", day=self._act_day)
        columns = "account_id, handle, display_name, created_at, follower_count, following_count, is_bot"
        accounts = page.accounts.rename_columns(
            ["occurred_at" if name == "observed_at" else name for name in page.accounts.schema.names]
        )
        self._insert("accounts", page, accounts, columns, file_no)
        if page.authors.num_rows:
            self._db.register("page", page.authors)
            self._db.execute("insert into authors select distinct ?, object_id, account_id from page", [page.platform])
            self._db.unregister("page")
        for counted, into in ((page.lines, self.lines), (page.ignored, self.ignored)):
            for day, count in counted.items():
                into[page.platform, day or self.first_day] += count
        self.dated.update({day: count for day, count in page.lines.items() if day})
        for (day, name), count in page.unknown.items():
            key = (page.platform, day or self.first_day, name)
            self.unknown[key if key in self.unknown or len(self.unknown) < MOST_TYPES else (*key[:2], "other")] += count
        self.line_count += page.lines.total()
        for note in page.notes:
            for day in [note.day] if note.day else self.days:
                self.notes.setdefault((page.platform, day), []).append(note)

    def _insert(
        self, table: str, page: Page, batch: pa.RecordBatch, columns: str, file_no: int | None = None, day: str = ""
    ) -> None:
        if not batch.num_rows:
            return
        place = "" if file_no is None else f"{file_no}, line, "
        self._db.register("page", batch)
        self._db.execute(
            f"insert into {table} select ?, {day or self._day}, {place}{columns} from page where {self._asked}",
            [page.platform],
        )
        self._db.unregister("page")

    def resolve(self) -> None:
        """Computes the outcome of every act. Call once, after the last page."""
        outcomes.resolve(self._db)
        files = pa.table({"file_no": range(1, len(self.files) + 1), "file": pa.array(self.files, pa.string())})
        self._db.register("listed", files)
        self._db.execute("create table files as select * from listed")
        self._db.unregister("listed")
        for platform, day in {key[:2] for key in self.unknown}:
            types = sorted((name, count) for (*of, name), count in self.unknown.items() if of == [platform, day])
            names = ", ".join(f"{name} ({count:,})" for name, count in types[:10])
            more = f" and {len(types) - 10} more" if len(types) > 10 else ""
            self.notes.setdefault((platform, day), []).append(Note(f"ignored, of unknown types: {names}{more}", False))

    @property
    def ends(self) -> date | None:
        """The latest day of any line read, requested or not; None if no line has a readable time. The files hold no line of a
        later day."""
        return max(self.dated, default=None)

    def counts(self, platform: str, day: date) -> dict[str, int]:
        """Counts for one platform and day. `acts` counts acts. `repeated`, `rejected`, `unresolved`, `ignored` (which includes
        undone acts) and `lines` count lines."""
        acts, undone, repeated = self._db.execute(
            "select count(*) filter (outcome = 'act'), count(distinct (file_no, line)) filter (outcome = 'undone'),"
            " count(distinct (file_no, line)) filter (outcome = 'repeated')"
            " from resolved where platform = ? and day = ?", [platform, day],
        ).fetchone() or (0, 0, 0)  # fmt: skip
        rejected, unresolved = self._db.execute(
            "select count(*) filter (outcome = 'rejected'), count(*) filter (outcome = 'unresolved')"
            " from faulty_lines where platform = ? and day = ?", [platform, day],
        ).fetchone() or (0, 0)  # fmt: skip
        return {
            "acts": acts,
            "repeated": repeated,
            "rejected": rejected,
            "unresolved": unresolved,
            "ignored": self.ignored[platform, day] + undone,
            "lines": self.lines[platform, day],
        }

    def rejected(self, day: date | None = None) -> tuple[int, int, list[tuple[str, int]]]:
        """The number of rejected lines, the number of lines read, and the three commonest reasons with their counts. Counts all
        lines, or only lines with a readable time on `day` if given."""
        of = "outcome = 'rejected' and ($day is null or (day = $day and dated))"
        reasons = self._db.execute(
            f"select reason, count(*) from faulty_lines where {of} group by 1 order by 2 desc, 1", {"day": day}
        ).fetchall()
        return sum(count for _, count in reasons), self.dated[day] if day else self.line_count, reasons[:3]

    def activity(self, platform: str, day: date, pull: str) -> pa.RecordBatchReader:
        """The day's rows of `activity`, with this pull's id."""
        return self._rows(
            ACTIVITY, f"{_ACTIVITY} order by file_no, line, activity_id, kind, target_id", platform, day, pull
        )

    def activity_digest(self, platform: str, day: date) -> str:
        """Digest of the day's rows of `activity`, the same for every pull of the same content."""
        return self._digest(ACTIVITY, _ACTIVITY, platform, day)

    def accounts(self, platform: str, day: date, pull: str) -> pa.RecordBatchReader:
        """The last known value of each account's columns on the day."""
        return self._rows(ACCOUNTS, f"{_ACCOUNTS} order by account_id", platform, day, pull)

    def accounts_digest(self, platform: str, day: date) -> str:
        """Digest of the day's rows of `accounts`, the same for every pull of the same content."""
        return self._digest(ACCOUNTS, _ACCOUNTS, platform, day)

    def rejects(self, platform: str, day: date, pull: str) -> pa.RecordBatchReader:
        """The day's rows of `rejects`, in the order of files and lines."""
        return self._rows(REJECTS, f"{_REJECTS} order by file_no, line", platform, day, pull)

    def _rows(self, table: Table, query: str, platform: str, day: date, pull: str) -> pa.RecordBatchReader:
        """A query's rows in the contract's types. Instants are passed as integers, which need no time zone data."""
        asked = self._asked_of(platform, day) | {"pull": pull}
        rows = (
            scratch.beside(self._db)
            .sql(f"select *, $pull as pull from ({query})", params=asked)
            .to_arrow_reader(BATCH_ROWS)
        )
        schema = arrow.schema(table)
        cast = (batch.select(schema.names).cast(schema) for batch in rows)
        return pa.RecordBatchReader.from_batches(schema, cast)

    def _digest(self, table: Table, query: str, platform: str, day: date) -> str:
        """Digest of a query's rows without the pull's id."""
        columns = [name for name in table.column_names if name != "pull"]
        return digests.of_rows(self._db, query, self._asked_of(platform, day), columns)

    def _asked_of(self, platform: str, day: date) -> dict[str, Any]:
        return {"source": self.source, "platform": platform, "day": day}


def _memory_bytes() -> int:
    return max(scratch.MEMORY_BYTES, budget_bytes() // PULLS)


@contextmanager
def spool(source: str, first_day: date, last_day: date) -> Iterator[Spool]:
    """A spool in a database of its own, deleted afterwards."""
    with scratch.separate(_memory_bytes(), in_memory=True) as db:
        yield Spool(db, source, first_day, last_day)
