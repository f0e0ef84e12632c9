"""Removes people from every table, and deletes the files that still hold them. Idempotent: after an interruption, run it again.

`accounts` comes last, because only it knows the people's handles.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.claims import values_naming
from jobs.errors import UsageError
from jobs.people import free_texts, pulled_rows
from jobs.people.pulled_rows import BY_ACCOUNT, JOB, delete, without
from jobs.scratch import shared
from jobs.warehouse import digests, pruning
from jobs.warehouse.commits import Partition
from jobs.warehouse.names_in_text import is_short
from jobs.warehouse.storage import Warehouse, rows
from jobs.warehouse.suppression import Suppressed
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.claims import CLAIMS
from schemas.consent import CONSENT
from schemas.engagement import ENGAGEMENT
from schemas.histories import HISTORIES
from schemas.influence import INFLUENCE
from schemas.influence_by_account import INFLUENCE_BY_ACCOUNT
from schemas.links import LINKS
from schemas.lookups import LOOKUPS
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.objections import OBJECTIONS
from schemas.rejects import REJECTS
from schemas.requests import REQUESTS
from schemas.runs import RUNS
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES
from schemas.table import Table

TEXTS = "texts"  # stands for the rows, in all tables, whose texts were changed
NOTHING: Partition = {}

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
    MONTHLY_WEIGHTS: ("src", "dst"),
    OBJECTIONS: ("person_id", "src", "dst"),
    REQUESTS: ("person_id",),
    LOOKUPS: ("person_id",),
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
        shared = warehouse.read(ACCOUNTS, {"platform": platform}, columns=["handle"], where=others)
        theirs -= set(shared["handle"].to_pylist())
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
    with shared() as db:
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
    warehouse: Warehouse, people: Sequence[str], known: Iterable[str], left: Suppressed, run_id: str
) -> Iterator[tuple[str, int]]:
    """Removes the people from every table. `left` recognizes them in texts. `known` are the handles of their accounts, as
    `platform:handle`, which texts and file paths may hold. Yields each table's name with its number of removed rows, and
    `TEXTS` with the number of rows whose texts were changed. Rewrites each file that holds rows of theirs once."""
    _keep_as_checked(warehouse, people, run_id)
    names = by_platform([*people, *known])
    every = [name for of_platform in names.values() for name in of_platform]
    for table, columns in BY_PERSON.items():
        whom = values_naming(people, every) if table is CLAIMS else people
        yield table.name, _delete(warehouse, table, {}, dict.fromkeys(columns, tuple(whom)), run_id)
    sought = free_texts.Names([*people, *every])
    yield REJECTS.name, sum(_erase_rejects(warehouse, platform, sought, left, run_id) for platform in names)
    yield TEXTS, free_texts.erase(warehouse, sought, run_id)
    yield from pulled_rows.erase(warehouse, by_platform(people), names, left, run_id)


def _keep_as_checked(warehouse: Warehouse, people: Sequence[str], run_id: str) -> None:
    """Replaces digests in `runs`, so that the rows of `influence` that remain count as those that were computed and checked.
    Otherwise, nobody could be published or restored on these days until the days are scored again. Forgets which files held
    the rows, because the present files still hold those of the people. Call this before the rows are deleted, so that a new run
    can go on if this one dies."""
    theirs = pc.field("person_id").isin(pa.array(people, pa.string()))
    found = warehouse.dataset(INFLUENCE).to_table(columns=["methodology", "day"], filter=theirs)
    replaced: dict[str, str] = {}
    for place in found.group_by(["methodology", "day"]).aggregate([]).to_pylist():
        before = warehouse.read(INFLUENCE, place)
        old, new = (digests.of_stream(INFLUENCE, each.to_reader()) for each in (before, before.filter(~theirs)))
        if old and new:
            replaced[old] = new
    checked = warehouse.read(RUNS, {"day": tuple(set(found["day"].to_pylist()))}).to_pylist() if replaced else []
    changed = []
    for row in checked:
        parameters = json.loads(row["parameters"])
        if (digest := parameters.get(digests.INFLUENCE)) in replaced:
            parameters |= {digests.INFLUENCE: replaced[digest], digests.INFLUENCE_FILES: None}
            changed.append(row | {"parameters": json.dumps(parameters, sort_keys=True)})
    if changed:
        place = {name: tuple({row[name] for row in changed}) for name in ("day", "run_id")}
        warehouse.replace_bookkeeping(RUNS, rows(RUNS, changed), place, run_id=run_id, job=JOB)


def _delete(warehouse: Warehouse, table: Table, partition: Partition, any_of: Partition, run_id: str) -> int:
    """Removes the rows in which one of the columns has one of its values, in one commit, and returns their number."""
    return delete(warehouse, table, partition, without([*any_of], pruning.either(any_of)), run_id)


def _places(warehouse: Warehouse, table: Table, partition: Partition, any_of: Partition) -> list[dict[str, Any]]:
    """The days, platforms and sources with rows to remove."""
    names = ["platform", "day", "source"]
    condition = pruning.expression(partition) & pruning.either(any_of)
    return (
        warehouse.dataset(table, partition)
        .to_table(columns=names, filter=condition)
        .group_by(names)
        .aggregate([])
        .to_pylist()
    )


def _erase_rejects(warehouse: Warehouse, platform: str, sought: free_texts.Names, left: Suppressed, run_id: str) -> int:
    columns = ("excerpt", "file")
    texts = warehouse.read(REJECTS, {"platform": platform}, columns=list(columns))
    excerpts, files = (pc.unique(texts[name]).to_pylist() for name in columns)
    any_of = {
        "excerpt": tuple(text for text in excerpts if text and left.is_named(platform, text)),
        "file": tuple(file for file in files if sought.are_in(file) or left.is_named(platform, file)),
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
