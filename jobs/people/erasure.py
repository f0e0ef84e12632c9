"""Removes a person from every table, and the files in which the person still is. Idempotent: run again, it goes on.

`accounts` comes last, because only it knows the person's handles.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import UsageError
from jobs.warehouse import digests, pruning
from jobs.warehouse.commits import Partition
from jobs.warehouse.races import LostRaceError, repeated
from jobs.warehouse.storage import Warehouse, rows
from jobs.warehouse.suppression import Suppressed, is_short
from schemas.accounts import ACCOUNTS
from schemas.accounts_known import ACCOUNTS_KNOWN
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.consent import CONSENT
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.histories import HISTORIES
from schemas.influence import INFLUENCE
from schemas.lookups import LOOKUPS
from schemas.objections import OBJECTIONS
from schemas.rejects import REJECTS
from schemas.requests import REQUESTS
from schemas.runs import RUNS
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES
from schemas.table import Table

JOB = "erasure"
ERASED = "(erased)"

# Rows of `activity` with instants as a pull has them, in microseconds.
_AS_PULLED = """
select * replace (epoch_us(occurred_at) as occurred_at, epoch_us(observed_at) as observed_at) from acts
"""

# Table -> columns that hold a `person_id`.
BY_PERSON: Mapping[Table, Sequence[str]] = {
    SCORES: ("person_id",),
    HISTORIES: ("person_id",),
    SCORE_CHANGES: ("person_id",),
    INFLUENCE: ("person_id",),
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
    """Platform -> account ids, of people given by `person_id`. Raises `UsageError` if one of them is none."""
    found: dict[str, list[str]] = {}
    for person in sorted(set(people)):
        platform, _, account = person.partition(":")
        if not (platform and account):
            raise UsageError(f"{person!r} is no person_id; expected PLATFORM:ACCOUNT_ID, such as twitter:88")
        found.setdefault(platform, []).append(account)
    return {platform: tuple(accounts) for platform, accounts in found.items()}


def handles(warehouse: Warehouse, people: Iterable[str]) -> set[str]:
    """Every handle under which `accounts` knows these people and nobody else, as `platform:handle`. Display names, and handles
    that others have or had too, are no names of one person."""
    known = set()
    for platform, accounts in by_platform(people).items():
        named = {"platform": platform, "account_id": accounts}
        theirs = set(warehouse.read(ACCOUNTS, named, columns=["handle"])["handle"].to_pylist()) - {None, ""}
        others = ~pc.field("account_id").isin(accounts) & pc.field("handle").isin(pa.array(sorted(theirs), pa.string()))
        theirs -= set(warehouse.read(ACCOUNTS, {"platform": platform}, where=others)["handle"].to_pylist())
        known |= {f"{platform}:{handle}" for handle in theirs}
    return known


def short_places(warehouse: Warehouse, people: Iterable[str]) -> list[dict[str, Any]]:
    """The days, platforms and sources with acts of people whose id is too short to be recognized in a text."""
    return [
        place
        for platform, accounts in by_platform(person for person in people if is_short(person.partition(":")[2])).items()
        for place in _places(warehouse, ACTIVITY, {"platform": platform}, dict.fromkeys(BY_ACCOUNT[ACTIVITY], accounts))
    ]


def erase(
    warehouse: Warehouse, people: Sequence[str], names: Iterable[str], left: Suppressed, run_id: str
) -> Iterator[tuple[str, int]]:
    """Removes the people from every table. `left` recognizes them in texts; `names` are their accounts' ids and handles, which
    may be in the paths of their own files. Yields each table's name and its number of removed rows."""
    long = [name for name in names if not is_short(name)]
    _keep_as_checked(warehouse, people, run_id)
    for table, columns in BY_PERSON.items():
        yield table.name, _delete(warehouse, table, {}, dict.fromkeys(columns, tuple(people)), run_id)
    accounts = by_platform(people)
    yield REJECTS.name, sum(_erase_rejects(warehouse, platform, long, left, run_id) for platform in accounts)
    yield RUNS.name, _erase_runs(warehouse, people, long, run_id)
    for table, columns in BY_ACCOUNT.items():
        count = 0
        for platform, ids in accounts.items():
            any_of = dict.fromkeys(columns, ids)
            if table is ACTIVITY:  # before the rows go: a run that dies in between finds their days again
                _count_without(warehouse, _places(warehouse, table, {"platform": platform}, any_of), any_of, run_id)
            count += _delete(warehouse, table, {"platform": platform}, any_of, run_id)
        yield table.name, count


def _keep_as_checked(warehouse: Warehouse, people: Sequence[str], run_id: str) -> None:
    """Lets `runs` take the rows of `influence` that will be left for those that were computed and checked. Else nobody of these
    days could be published or restored until they are scored again. Before the rows go, so that a run that died goes on."""
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
    """Deletes in one commit. Returns the number of rows; makes no commit if there are none."""
    condition = pruning.expression(partition) & pruning.either(any_of)
    count = warehouse.dataset(table, partition).count_rows(filter=condition)
    if count:
        for attempt in repeated(LostRaceError):
            with attempt:
                warehouse.delete(table, partition, any_of=any_of, run_id=run_id, job=JOB)
    return count


def _places(warehouse: Warehouse, table: Table, partition: Partition, any_of: Partition) -> list[dict[str, Any]]:
    """The days, platforms and sources whose rows are to be removed."""
    names = ["platform", "day", "source"]
    found = warehouse.dataset(table, partition).to_table(
        columns=names, filter=pruning.expression(partition) & pruning.either(any_of)
    )
    return found.group_by(names).aggregate([]).to_pylist()


def _count_without(warehouse: Warehouse, places: Iterable[Mapping[str, Any]], any_of: Partition, run_id: str) -> None:
    """Writes the number and the digest of the rows that will be left into `coverage`, as a pull of them would, so that these
    days are scored again."""
    for place in places:
        covered = warehouse.read(COVERAGE, place).to_pylist()
        for row in covered:
            counting = warehouse.read(ACTIVITY, {**place, "pull": (row["pull"],)}, where=~pruning.either(any_of))
            left = row | {"act_count": counting.num_rows, "activity_digest": _digest(counting)}
            warehouse.replace_bookkeeping(COVERAGE, rows(COVERAGE, [left]), place, run_id=run_id, job=JOB)


def _digest(acts: pa.Table) -> str:
    """The digest that a pull of these acts records."""
    columns = [name for name in ACTIVITY.column_names if name != "pull"]
    with duckdb.connect() as db:
        db.register("given", acts)
        db.execute("create table acts as from given")  # a table, because cursors see no registered rows
        return digests.of_rows(db, _AS_PULLED, {}, columns)


def _erase_rejects(warehouse: Warehouse, platform: str, names: Sequence[str], left: Suppressed, run_id: str) -> int:
    columns = ("excerpt", "file")
    texts = warehouse.read(REJECTS, {"platform": platform}, columns=list(columns))
    excerpts, files = (pc.unique(texts[name]).to_pylist() for name in columns)
    any_of = {
        "excerpt": tuple(text for text in excerpts if text and left.is_named(platform, text)),
        "file": tuple(file for file in files if _without(file, names) != file),
    }
    return _delete(warehouse, REJECTS, {"platform": platform}, any_of, run_id)


def _erase_runs(warehouse: Warehouse, people: Sequence[str], names: Sequence[str], run_id: str) -> int:
    """Replaces the people's ids in the texts of `runs`, and their names in errors and places. Returns the number of rows."""
    count = 0
    for row in warehouse.read(RUNS).to_pylist():
        texts = {name: _without(value, people) for name, value in row.items() if isinstance(value, str)}
        if row["error"]:
            texts["error"] = _without(texts["error"], names)
        parameters = json.loads(texts["parameters"])
        if places := parameters.get("places"):
            parameters["places"] = [_without(place, names) for place in places]
            texts["parameters"] = json.dumps(parameters, sort_keys=True)
        if not texts.items() <= row.items():
            partition = {"day": row["day"], "run_id": row["run_id"]}
            warehouse.replace_bookkeeping(RUNS, rows(RUNS, [row | texts]), partition, run_id=run_id, job=JOB)
            count += 1
    return count


def _without(text: str, names: Iterable[str]) -> str:
    for name in names:
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", ERASED, text, flags=re.IGNORECASE)
    return text


def purge(warehouse: Warehouse) -> int:
    """Deletes every file of the tables that no longer counts, whatever `keep_replaced_days` says. Returns how many. No other
    command may write at the same time: its new files would be deleted too."""
    count = 0
    for table in TABLES:
        delta = warehouse.own(table)
        count += len(delta.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True))
        warehouse.own(table).create_checkpoint()
    return count
