"""Removes people from the rows that pulls wrote, in `activity`, `accounts` and its copies, so that the rest is what a pull
without them would write. Rewrites each file that names them once. Idempotent: after an interruption, run it again.

The id of others' content may hold a name, such as `owner/repository`: there a token replaces the name. Others' display names
that name somebody who left are removed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property, reduce
from operator import or_
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from jobs.people.byte_search import CONTENT_IDS
from jobs.people.finder import Finder
from jobs.scratch import shared
from jobs.warehouse import digests, pruning
from jobs.warehouse.commits import Partition
from jobs.warehouse.races import LostRaceError, repeated
from jobs.warehouse.rewriting import Rewriting
from jobs.warehouse.storage import Warehouse, rows
from jobs.warehouse.suppression import Suppressed
from schemas.accounts import ACCOUNTS
from schemas.accounts_known import ACCOUNTS_KNOWN
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.table import Table

JOB = "erasure"
PLACE = ("platform", "day", "source")
Place = tuple[str, date, str]

# Table -> columns that hold the platform's id of an account. `accounts` is last, because only it knows a person's handles.
BY_ACCOUNT: Mapping[Table, Sequence[str]] = {
    ACTIVITY: ("actor_id", "target_id"),
    ACCOUNTS_KNOWN: ("account_id",),
    ACCOUNTS: ("account_id",),
}
_DIGESTS = {ACTIVITY: "activity_digest", ACCOUNTS: "accounts_digest"}  # of `coverage`
_TEXTS = {ACTIVITY: CONTENT_IDS, ACCOUNTS: ("display_name",)}  # columns of others' rows that may hold a name

# The rows, with instants in microseconds, as a pull has them.
_AS_PULLED = "select * replace ({instants}) from given_rows"

Names = Mapping[str, Sequence[str]]  # platform -> ids or names of accounts


def erase(
    warehouse: Warehouse, accounts: Names, names: Names, left: Suppressed, run_id: str
) -> Iterator[tuple[str, int]]:
    """Removes the accounts (platform -> ids) and their `names` (platform -> ids and handles). Yields each table's name with its
    number of removed rows."""
    erasing = [_Erasing(table, accounts, names, left) for table in BY_ACCOUNT]
    _cover(warehouse, [each for each in erasing if each.table in _DIGESTS], run_id)
    for each in erasing:
        yield each.table.name, delete(warehouse, each.table, each.partition, each.rewriting, run_id)


def delete(warehouse: Warehouse, table: Table, partition: Partition, rewriting: Rewriting, run_id: str) -> int:
    """Rewrites the table's files in one commit, and returns the number of rows that this removes."""
    removed = 0

    def change(rows: pa.Table) -> pa.Table:
        nonlocal removed
        left = rewriting.change(rows)
        removed += len(rows) - len(left)
        return left

    for attempt in repeated(LostRaceError):
        with attempt:
            removed = 0
            counting = Rewriting(rewriting.columns, rewriting.is_meant, change)
            warehouse.rewrite(table, partition, counting, run_id=run_id, job=JOB)
    return removed


def without(columns: Sequence[str], condition: pc.Expression) -> Rewriting:
    """Removes the rows that meet the condition, which needs these columns."""
    return Rewriting(
        columns,
        lambda rows: rows.filter(condition).num_rows > 0,
        lambda rows: rows.filter(~condition | condition.is_null()),
    )


class _Erasing:
    """How the rows of one table change. A file of a table with texts holds rows of one platform."""

    def __init__(self, table: Table, accounts: Names, names: Names, left: Suppressed) -> None:
        self.table = table
        self.partition: Partition = {"platform": tuple(accounts)} if "platform" in table.partition_by else {}
        self._texts, self._left = _TEXTS.get(table, ()), left
        columns = (*PLACE, *BY_ACCOUNT[table], *self._texts) if self._texts else ("platform", *BY_ACCOUNT[table])
        of_platforms = [
            (pc.field("platform") == platform) & pruning.either(dict.fromkeys(BY_ACCOUNT[table], tuple(ids)))
            for platform, ids in accounts.items()
        ]
        self._removing = without(columns, reduce(or_, of_platforms, pc.scalar(False)))
        self._finders = {platform: Finder(_forms(names[platform])) for platform in accounts if self._texts}

    @cached_property
    def rewriting(self) -> Rewriting:
        """The change, for `Warehouse.rewrite`."""
        return Rewriting(self._removing.columns, self._is_meant, self.change)

    def _is_meant(self, rows: pa.Table) -> bool:
        return self._removing.is_meant(rows) or any(self._changes(rows, column) for column in self._texts)

    def change(self, rows: pa.Table) -> pa.Table:
        """The rows without the people and their names."""
        rows = self._removing.change(rows)
        for column in self._texts:
            if changes := self._changes(rows, column):
                is_changed = pa.array([row in changes for row in range(len(rows))], pa.bool_())
                new = pa.array([changes[row] for row in sorted(changes)], pa.string())
                texts = pc.replace_with_mask(rows[column].combine_chunks().cast(pa.string()), is_changed, new)
                rows = rows.set_column(rows.column_names.index(column), rows.field(column), texts)
        return rows

    def _changes(self, rows: pa.Table, column: str) -> dict[int, str | None]:
        """Row number -> the new text of each row in which the column's text names somebody who left."""
        if not len(rows):
            return {}
        platform = rows["platform"][0].as_py()
        hits = self._finders[platform].rows(rows[column])
        given = rows[column].take(pa.array(hits, pa.int64())).to_pylist()
        new = [self._without(platform, text) for text in given]
        return {row: text for row, text, old in zip(hits, new, given, strict=True) if text != old}

    def _without(self, platform: str, text: str) -> str | None:
        if self.table is ACTIVITY:
            return self._left.id_without(platform, text)
        return None if self._left.is_named(platform, text) else text


def _forms(names: Sequence[str]) -> set[bytes]:
    lower = {form.lower() for name in names for form in (name, quote(name, safe="", errors="replace"))}
    return {form.encode("utf-8", "surrogatepass") for form in lower}


def _cover(warehouse: Warehouse, erasing: Sequence[_Erasing], run_id: str) -> None:
    """Writes the digests and, for acts, the number of the rows after the change into `coverage`, as a pull of these rows would,
    in one commit. So days are scored again if their acts differ. Call this before rows go, so that a new run finds the days if
    this one dies."""
    changes: dict[Place, dict[str, Any]] = {}
    for each in erasing:
        for place in _places(warehouse, each):
            changes.setdefault(place, {}).update(_covered(warehouse, each, dict(zip(PLACE, place, strict=True))))
    days = {"day": tuple(sorted({day for _, day, _ in changes}))}
    before = warehouse.read(COVERAGE, days).to_pylist() if changes else []
    after = [row | changes.get((row["platform"], row["day"], row["source"]), {}) for row in before]
    if after != before:
        warehouse.replace_bookkeeping(COVERAGE, rows(COVERAGE, after), days, run_id=run_id, job=JOB)


def _places(warehouse: Warehouse, erasing: _Erasing) -> Iterator[Place]:
    """The places with rows to change."""
    found: set[Place] = set()
    for file in pruning.one_by_one(warehouse.dataset(erasing.table, erasing.partition)):
        rows = file.to_table(columns=list(erasing.rewriting.columns))
        if erasing.rewriting.is_meant(rows):
            found.add(tuple(rows[name][0].as_py() for name in PLACE))
    yield from sorted(found)


def _covered(warehouse: Warehouse, erasing: _Erasing, place: Partition) -> dict[str, Any]:
    """The columns of the place's row of `coverage` after the change."""
    changed: dict[str, Any] = {}
    for row in warehouse.read(COVERAGE, place, columns=["pull"]).to_pylist():
        counting = erasing.change(warehouse.read(erasing.table, {**place, "pull": (row["pull"],)}))
        changed[_DIGESTS[erasing.table]] = _digest(erasing.table, counting)
        if erasing.table is ACTIVITY:
            changed["act_count"] = counting.num_rows
    return changed


def _digest(table: Table, counting: pa.Table) -> str:
    """The digest that a pull of these rows records."""
    columns = [name for name in table.column_names if name != "pull"]
    instants = ", ".join(f"epoch_us({name}) as {name}" for name in columns if table.column(name).type == "timestamp")
    with shared() as db:
        db.register("given_rows", counting)
        return digests.of_rows(db, _AS_PULLED.format(instants=instants), {}, columns)
