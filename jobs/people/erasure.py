"""Removes a person from every table, and deletes the files that still hold the person. Idempotent: run it again if it died.

`accounts` comes last, because only it knows the person's handles.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import product
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from jobs.claims import values_naming
from jobs.errors import UsageError
from jobs.people import free_texts
from jobs.people.byte_search import CONTENT_IDS
from jobs.warehouse import digests, pruning
from jobs.warehouse.commits import Partition
from jobs.warehouse.names_in_text import is_short
from jobs.warehouse.races import LostRaceError, repeated
from jobs.warehouse.storage import Warehouse, rows
from jobs.warehouse.suppression import Suppressed
from schemas.accounts import ACCOUNTS
from schemas.accounts_known import ACCOUNTS_KNOWN
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.claims import CLAIMS
from schemas.consent import CONSENT
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.histories import HISTORIES
from schemas.influence import INFLUENCE
from schemas.influence_by_account import INFLUENCE_BY_ACCOUNT
from schemas.links import LINKS
from schemas.lookups import LOOKUPS
from schemas.objections import OBJECTIONS
from schemas.rejects import REJECTS
from schemas.requests import REQUESTS
from schemas.runs import RUNS
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES
from schemas.table import Table

JOB = "erasure"
TEXTS = "texts"  # stands for the rows, in all tables, whose texts were changed
NOTHING: Partition = {}
Change = Callable[[pa.Table], pa.Table]

# The rows, with instants in microseconds, as a pull has them.
_AS_PULLED = "select * replace ({instants}) from given_rows"
_DIGESTS = {ACTIVITY: "activity_digest", ACCOUNTS: "accounts_digest"}  # of `coverage`

# Table -> columns that hold a `person_id`.
BY_PERSON: Mapping[Table, Sequence[str]] = {
    SCORES: ("person_id",),
    HISTORIES: ("person_id",),
    SCORE_CHANGES: ("person_id",),
    INFLUENCE: ("person_id",),
    INFLUENCE_BY_ACCOUNT: ("person_id", "account_id"),
    CLAIMS: ("account", "value"),
    LINKS: ("account_a", "account_b", "said_by"),
    CONSENT: ("person_id",),
    ENGAGEMENT: ("src", "dst"),
    OBJECTIONS: ("person_id", "src", "dst"),
    REQUESTS: ("person_id",),
    LOOKUPS: ("person_id",),
}
# Table -> columns that hold the platform's id of an account.
BY_ACCOUNT: Mapping[Table, Sequence[str]] = {
    ACTIVITY: ("actor_id", "target_id"),
    ACCOUNTS_KNOWN: ("account_id",),
    ACCOUNTS: ("account_id",),
}


def by_platform(people: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Platform -> account ids, of people given by `person_id`. Raises `UsageError` if one of them is no person_id."""
    found: dict[str, list[str]] = {}
    for person in sorted(set(people)):
        platform, _, account = person.partition(":")
        if not (platform and account):
            raise UsageError(f"{person!r} is no person_id; expected PLATFORM:ACCOUNT_ID, such as twitter:88")
        found.setdefault(platform, []).append(account)
    return {platform: tuple(accounts) for platform, accounts in found.items()}


def handles(warehouse: Warehouse, people: Iterable[str]) -> set[str]:
    """Every handle under which `accounts` knows these people and nobody else, as `platform:handle`. Omits display names, and
    handles that others have or had too, because they do not name one person."""
    known = set()
    for platform, accounts in by_platform(people).items():
        named = {"platform": platform, "account_id": accounts}
        theirs = set(warehouse.read(ACCOUNTS, named, columns=["handle"])["handle"].to_pylist()) - {None, ""}
        others = ~pc.field("account_id").isin(accounts) & pc.field("handle").isin(pa.array(sorted(theirs), pa.string()))
        theirs -= set(warehouse.read(ACCOUNTS, {"platform": platform}, where=others)["handle"].to_pylist())
        known |= {f"{platform}:{handle}" for handle in theirs}
    return known


def people_of(warehouse: Warehouse, left: Suppressed) -> list[str]:
    """The people (`person_id`) whom a table names although they left, sorted."""
    found = set()
    for table, columns in BY_PERSON.items():
        for ids in _distinct(warehouse, table, columns):
            found |= {person for person in ids if person in left}
    for table, columns in BY_ACCOUNT.items():
        for platform in pc.unique(warehouse.dataset(table).to_table(columns=["platform"])["platform"]).to_pylist():
            for ids in _distinct(warehouse, table, columns, {"platform": platform}):
                found |= {f"{platform}:{account}" for account in ids if f"{platform}:{account}" in left}
    return sorted(found)


def _distinct(
    warehouse: Warehouse, table: Table, columns: Sequence[str], where: Partition = NOTHING
) -> Iterator[list[str]]:
    """The values of each of the columns, each value once."""
    with duckdb.connect() as db:
        db.register("given", warehouse.dataset(table, where).filter(pruning.expression(where)))
        for column in columns:
            distinct = db.table("given").project(column).distinct().to_arrow_reader(65_536)
            yield from (batch.column(0).drop_null().to_pylist() for batch in distinct)


def days_of(warehouse: Warehouse, people: Sequence[str]) -> set[date]:
    """The days with acts by or towards the people."""
    counted = pruning.either(dict.fromkeys(BY_PERSON[ENGAGEMENT], tuple(people)))
    days = set(warehouse.dataset(ENGAGEMENT).to_table(columns=["day"], filter=counted)["day"].to_pylist())
    for platform, accounts in by_platform(people).items():
        places = _places(warehouse, ACTIVITY, {"platform": platform}, dict.fromkeys(BY_ACCOUNT[ACTIVITY], accounts))
        days |= {place["day"] for place in places}
    return days


def short_places(warehouse: Warehouse, people: Iterable[str]) -> list[dict[str, Any]]:
    """The days, platforms and sources with acts of people whose id is too short to be recognized in a text."""
    return [
        place
        for platform, accounts in by_platform(person for person in people if is_short(person.partition(":")[2])).items()
        for place in _places(warehouse, ACTIVITY, {"platform": platform}, dict.fromkeys(BY_ACCOUNT[ACTIVITY], accounts))
    ]


def erase(
    warehouse: Warehouse, people: Sequence[str], names: Collection[str], left: Suppressed, run_id: str
) -> Iterator[tuple[str, int]]:
    """Removes the people from every table. `left` recognizes them in texts. `names` are the ids and handles of their accounts.
    Yields each table's name with its number of removed rows, and `TEXTS` with the number of rows whose texts were changed."""
    _keep_as_checked(warehouse, people, run_id)
    for table, columns in BY_PERSON.items():
        whom = values_naming(people, names) if table is CLAIMS else people
        yield table.name, _delete(warehouse, table, {}, dict.fromkeys(columns, tuple(whom)), run_id)
    accounts = by_platform(people)
    yield REJECTS.name, sum(_erase_rejects(warehouse, platform, names, left, run_id) for platform in accounts)
    yield TEXTS, free_texts.erase(warehouse, [*people, *names], run_id)
    for platform in accounts:
        _rename_content(warehouse, platform, names, left, run_id)
    for table, columns in BY_ACCOUNT.items():
        count = 0
        for platform, ids in accounts.items():
            any_of = dict.fromkeys(columns, ids)
            if table in _DIGESTS:  # before the rows go, so that the next run finds their days if this one dies
                for place in _places(warehouse, table, {"platform": platform}, any_of):
                    _cover(warehouse, table, place, run_id, partial(_filtered, any_of=any_of))
            if table is ACCOUNTS:
                _untitle(warehouse, platform, left, run_id)
            count += _delete(warehouse, table, {"platform": platform}, any_of, run_id)
        yield table.name, count


def _keep_as_checked(warehouse: Warehouse, people: Sequence[str], run_id: str) -> None:
    """Replaces digests in `runs`, so that the rows of `influence` that remain count as those that were computed and checked.
    Otherwise, nobody could be published or restored on these days until the days are scored again. Call this before the rows
    are deleted, so that a new run can go on if this one dies."""
    theirs = pc.field("person_id").isin(pa.array(people, pa.string()))
    found = warehouse.dataset(INFLUENCE).to_table(columns=["methodology", "day"], filter=theirs)
    for place in found.group_by(["methodology", "day"]).aggregate([]).to_pylist():
        before = warehouse.read(INFLUENCE, place)
        old, new = (digests.of_stream(INFLUENCE, each.to_reader()) for each in (before, before.filter(~theirs)))
        for row in warehouse.read(RUNS, {"day": place["day"]}).to_pylist():
            if old and new and old in row["parameters"]:
                row["parameters"] = row["parameters"].replace(old, new)
                partition = {"day": row["day"], "run_id": row["run_id"]}
                warehouse.replace_bookkeeping(RUNS, rows(RUNS, [row]), partition, run_id=run_id, job=JOB)


def _delete(warehouse: Warehouse, table: Table, partition: Partition, any_of: Partition, run_id: str) -> int:
    """Deletes the rows in one commit, and returns their number. Makes no commit if there are none."""
    condition = pruning.expression(partition) & pruning.either(any_of)
    count = warehouse.dataset(table, partition).count_rows(filter=condition)
    if count:
        for attempt in repeated(LostRaceError):
            with attempt:
                warehouse.delete(table, partition, any_of=any_of, run_id=run_id, job=JOB)
    return count


def _places(warehouse: Warehouse, table: Table, partition: Partition, any_of: Partition) -> list[dict[str, Any]]:
    """The days, platforms and sources with rows to remove."""
    return _where(warehouse, table, partition, pruning.either(any_of))


def _where(warehouse: Warehouse, table: Table, partition: Partition, where: pc.Expression) -> list[dict[str, Any]]:
    """The days, platforms and sources with rows of the partition that meet `where`."""
    names = ["platform", "day", "source"]
    found = warehouse.dataset(table, partition).to_table(columns=names, filter=pruning.expression(partition) & where)
    return found.group_by(names).aggregate([]).to_pylist()


def _cover(warehouse: Warehouse, table: Table, place: Partition, run_id: str, change: Change) -> None:
    """Writes the digest and, for acts, the number of the rows after the change into `coverage`, as a pull of these rows would.
    So the day is scored again if its acts differ."""
    for row in warehouse.read(COVERAGE, place).to_pylist():
        counting = change(warehouse.read(table, {**place, "pull": (row["pull"],)}))
        left = row | {_DIGESTS[table]: _digest(table, counting)}
        if table is ACTIVITY:
            left["act_count"] = counting.num_rows
        warehouse.replace_bookkeeping(COVERAGE, rows(COVERAGE, [left]), place, run_id=run_id, job=JOB)


def _filtered(rows: pa.Table, *, any_of: Partition) -> pa.Table:
    return rows.filter(~pruning.either(any_of))


def _digest(table: Table, counting: pa.Table) -> str:
    """The digest that a pull of these rows records."""
    columns = [name for name in table.column_names if name != "pull"]
    instants = ", ".join(f"epoch_us({name}) as {name}" for name in columns if table.column(name).type == "timestamp")
    with duckdb.connect() as db:
        db.register("given", counting)
        db.execute("create table given_rows as from given")  # a table, because cursors see no registered rows
        return digests.of_rows(db, _AS_PULLED.format(instants=instants), {}, columns)


def _rename_content(warehouse: Warehouse, platform: str, names: Iterable[str], left: Suppressed, run_id: str) -> None:
    """In the ids of others' acts, such as `owner/repository`, replaces the names of people who left with tokens."""
    quoting = pc.scalar(False)
    for name, column in product(names, CONTENT_IDS):
        quoting = quoting | pc.match_substring(pc.field(column), name, ignore_case=True)

    def renamed(acts: pa.Table) -> pa.Table:
        for column in CONTENT_IDS:
            ids = left.ids_without(platform, acts[column].combine_chunks())
            acts = acts.set_column(acts.column_names.index(column), acts.field(column), ids)
        return acts

    _rewrite(warehouse, ACTIVITY, platform, quoting, renamed, run_id)


def _untitle(warehouse: Warehouse, platform: str, left: Suppressed, run_id: str) -> None:
    """Removes other people's display names if they name people who left."""

    def untitled(accounts: pa.Table) -> pa.Table:
        titles = accounts["display_name"].to_pylist()
        kept = [None if title and left.is_named(platform, title) else title for title in titles]
        return accounts.set_column(
            accounts.column_names.index("display_name"), accounts.field("display_name"), pa.array(kept, pa.string())
        )

    _rewrite(warehouse, ACCOUNTS, platform, pc.field("display_name").is_valid(), untitled, run_id)


def _rewrite(
    warehouse: Warehouse, table: Table, platform: str, where: pc.Expression, change: Change, run_id: str
) -> None:
    """Replaces the rows of each day and source in which `change` changes a row. `where` preselects rows that it may change."""
    for place in _where(warehouse, table, {"platform": platform}, where):
        before = warehouse.read(table, place)
        after = change(before)
        if not after.equals(before):
            _cover(warehouse, table, place, run_id, change)
            for attempt in repeated(LostRaceError):
                with attempt:
                    warehouse.replace(table, after, place, run_id=run_id, job=JOB)


def _erase_rejects(warehouse: Warehouse, platform: str, names: Iterable[str], left: Suppressed, run_id: str) -> int:
    columns = ("excerpt", "file")
    texts = warehouse.read(REJECTS, {"platform": platform}, columns=list(columns))
    excerpts, files = (pc.unique(texts[name]).to_pylist() for name in columns)
    sought = free_texts.pattern(names)
    any_of = {
        "excerpt": tuple(text for text in excerpts if text and left.is_named(platform, text)),
        "file": tuple(file for file in files if sought.search(file) or left.is_named(platform, file)),
    }
    return _delete(warehouse, REJECTS, {"platform": platform}, any_of, run_id)


def purge(warehouse: Warehouse) -> int:
    """Deletes every file that no table's current version names, whatever `keep_replaced_days` says, and writes a checkpoint of
    each table. Returns the number of deleted files. No other command may write meanwhile: its files would be deleted too."""
    count = 0
    for table in TABLES:
        delta = warehouse.own(table)
        count += len(delta.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True))
        warehouse.own(table).create_checkpoint()
    return count
