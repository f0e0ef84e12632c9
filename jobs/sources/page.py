"""Pages of records in columns, as sources yield them.

A source that reads lines builds pages with `PageBuilder` from the records below. A source that computes its rows may fill the
columns itself. Instants are microseconds since 1970 in UTC, or None if a line has no readable time. Such a line counts for the
first requested day.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import ClassVar, NamedTuple, Protocol

import pyarrow as pa

DAY_US = 86_400_000_000
EXCERPT_LENGTH = 200
LEFT = "(left)"  # the author of content whose author left


class Act(NamedTuple):
    """One report of one act. Without `target_id`, the target is the author of `object_id`, looked up among all `Author` records
    of the pull. If there is none, the act is unresolved."""

    kind: str
    actor_id: str
    target_id: str | None
    occurred_at: int
    activity_id: str
    object_id: str | None = None


class Author(NamedTuple):
    """`account_id` wrote the content `object_id`."""

    object_id: str
    account_id: str


class Undo(NamedTuple):
    """`actor_id` undid the act `activity_id`. An act and its undo in one pulled day cancel out. An undo without a time
    belongs to the pulled day that holds the act."""

    activity_id: str
    actor_id: str
    occurred_at: int | None


class Account(NamedTuple):
    """A line's data about an account. For each field, the last known value of a day counts."""

    account_id: str
    observed_at: int | None
    handle: str | None = None
    display_name: str | None = None
    created_at: int | None = None
    follower_count: int | None = None
    following_count: int | None = None
    is_bot: bool | None = None


class Unresolved(NamedTuple):
    """A readable activity without a known target, actor or time. If it is content of a known actor at a known time, the source
    also yields the actor's `post`."""

    reason: str
    occurred_at: int | None


class Ignored(NamedTuple):
    """An activity that scores nothing: a delete, an update, bookkeeping, or one that is not public. `unknown` is the activity's
    type if the source does not know it; such types are counted."""

    occurred_at: int | None
    unknown: str | None = None


Record = Act | Author | Undo | Account | Unresolved | Ignored


class Rejected(Exception):
    """A line that is unreadable or violates the contract. `reason` is the same for the same fault, so reasons can be counted.
    It does not quote the line."""

    def __init__(self, reason: str, occurred_at: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.occurred_at = occurred_at


class Note(NamedTuple):
    """A remark on a day's coverage. `partial`: data is known to be missing. `absent`: the day has no data, so it cannot be
    pulled. `lasting`: pulling again will bring no more. Without `day`, it applies to every requested day."""

    reason: str
    partial: bool
    day: date | None = None
    absent: bool = False
    lasting: bool = False


_TIME = pa.int64()
ACTS = pa.schema(
    [
        ("kind", pa.string()),
        ("actor_id", pa.string()),
        ("target_id", pa.string()),
        ("occurred_at", _TIME),
        ("activity_id", pa.string()),
        ("object_id", pa.string()),
        ("line", pa.int64()),
        ("excerpt", pa.string()),  # only if target_id is null: `rejects` quotes it if no target is known
    ]
)
AUTHORS = pa.schema([("object_id", pa.string()), ("account_id", pa.string())])
UNDOS = pa.schema([("activity_id", pa.string()), ("actor_id", pa.string()), ("occurred_at", _TIME)])
ACCOUNTS = pa.schema(
    [
        ("account_id", pa.string()),
        ("observed_at", _TIME),
        ("handle", pa.string()),
        ("display_name", pa.string()),
        ("created_at", _TIME),
        ("follower_count", pa.int64()),
        ("following_count", pa.int64()),
        ("is_bot", pa.bool_()),
        ("line", pa.int64()),
    ]
)
FAULTS = pa.schema(
    [
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("occurred_at", _TIME),
        ("line", pa.int64()),
        ("excerpt", pa.string()),
    ]
)


def no_rows(schema: pa.Schema) -> pa.RecordBatch:
    """An empty batch with this schema."""
    return pa.RecordBatch.from_pylist([], schema=schema)


@dataclass(frozen=True, kw_only=True)
class Page:
    """Records from consecutive lines of one file of one platform. `lines` and `ignored` count lines by UTC day, `unknown`
    counts activities of unknown types by day and type. The day is None for lines without a readable time."""

    platform: str
    file: str
    acts: pa.RecordBatch
    authors: pa.RecordBatch = field(default_factory=lambda: no_rows(AUTHORS))
    undos: pa.RecordBatch = field(default_factory=lambda: no_rows(UNDOS))
    accounts: pa.RecordBatch = field(default_factory=lambda: no_rows(ACCOUNTS))
    faults: pa.RecordBatch = field(default_factory=lambda: no_rows(FAULTS))
    lines: Counter[date | None] = field(default_factory=Counter)
    ignored: Counter[date | None] = field(default_factory=Counter)
    unknown: Counter[tuple[date | None, str]] = field(default_factory=Counter)
    notes: tuple[Note, ...] = ()


class Source(Protocol):
    """One platform or archive, created from its ID and its places (`--source ID:TYPE=WHERE`, several for one ID). Creating it
    raises `UsageError` if a place cannot be read."""

    @property
    def platforms(self) -> Sequence[str]:
        """The platforms whose data it brings."""
        ...

    def __init__(self, source_id: str, places: Sequence[str]) -> None: ...

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Every page that may hold data of the requested days, each file once. The pull ignores other days, so a source need
        not filter."""
        ...


def day_of(occurred_at: int | None) -> date | None:
    """The UTC day of an instant in microseconds since 1970; None if there is no instant."""
    if occurred_at is None:
        return None
    return datetime.fromtimestamp(occurred_at // 1_000_000, UTC).date()


class PageBuilder:
    """Collects the records of one file's lines into a `Page`, in columns."""

    _SCHEMAS: ClassVar[dict[type, pa.Schema]] = {Act: ACTS, Author: AUTHORS, Undo: UNDOS, Account: ACCOUNTS}

    def __init__(self, platform: str, file: str) -> None:
        self.platform = platform
        self.file = file
        self._rows: dict[type, list[tuple]] = {kind: [] for kind in self._SCHEMAS}
        self._faults: list[tuple] = []
        self._days: dict[int, date] = {}
        self._lines: Counter[date | None] = Counter()
        self._ignored: Counter[date | None] = Counter()
        self._unknown: Counter[tuple[date | None, str]] = Counter()
        self._notes: list[Note] = []
        self.line_count = 0

    def add(self, line: int, text: bytes, records: Sequence[Record]) -> None:
        """Adds the records of one line. A line without records counts as ignored on the first requested day."""
        self.line_count += 1
        day: date | None = None
        ignored = not records
        for record in records:
            kind = type(record)
            if kind is Act:
                quoted = excerpt(text) if record.target_id is None else None  # type: ignore[union-attr]
                self._rows[Act].append((*record, line, quoted))
            elif kind is Author or kind is Undo:
                self._rows[kind].append(record)
            elif kind is Account:
                self._rows[kind].append((*record, line))
            elif kind is Unresolved:
                self._faults.append(("unresolved", *record, line, excerpt(text)))
            elif kind is Ignored and record.unknown is not None:  # type: ignore[union-attr]
                self._unknown[self._day(record.occurred_at), record.unknown] += 1  # type: ignore[union-attr]
            ignored = ignored or kind is Ignored or kind is Undo
            if day is None and kind is not Author:
                day = self._day(record.observed_at if kind is Account else record.occurred_at)  # type: ignore[union-attr]
        self._lines[day] += 1
        if ignored:
            self._ignored[day] += 1

    def reject(self, line: int, text: bytes, fault: Rejected) -> None:
        """Adds a rejected line, with the beginning of its text and the day of the fault's time."""
        self.line_count += 1
        self._lines[day_of(fault.occurred_at)] += 1
        self._faults.append(("rejected", fault.reason, fault.occurred_at, line, excerpt(text)))

    def note(self, note: Note) -> None:
        """Adds a note to the page."""
        self._notes.append(note)

    def _day(self, at: int | None) -> date | None:
        """Like `day_of`, but each day is made once."""
        if at is None:
            return None
        number = at // DAY_US
        day = self._days.get(number)
        if day is None:
            day = self._days[number] = date.fromordinal(719_163 + number)  # 1970-01-01 is day 719,163 of the calendar
        return day

    def page(self) -> Page:
        """Returns everything added so far as one page."""
        columns = {kind: _batch(schema, self._rows[kind]) for kind, schema in self._SCHEMAS.items()}
        return Page(
            platform=self.platform,
            file=self.file,
            acts=columns[Act],
            authors=columns[Author],
            undos=columns[Undo],
            accounts=columns[Account],
            faults=_batch(FAULTS, self._faults),
            lines=self._lines,
            ignored=self._ignored,
            unknown=self._unknown,
            notes=tuple(self._notes),
        )


def _batch(schema: pa.Schema, rows: Sequence[tuple]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.record_batch(
        [pa.array(values, type=column.type) for values, column in zip(columns, schema, strict=True)], schema=schema
    )


def excerpt(text: bytes) -> str:
    """The beginning of the line, printable: control characters and bytes that are not UTF-8 are escaped."""
    shown = text[: 4 * EXCERPT_LENGTH].decode("utf-8", errors="backslashreplace").rstrip("\r\n")
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in shown)
    return shown if len(shown) <= EXCERPT_LENGTH else shown[: EXCERPT_LENGTH - 1] + "…"
