"""Checks whether a warehouse names a person. Without this check, commands would accept a mistyped id without an error."""

from collections.abc import Sequence

from jobs.errors import UsageError
from jobs.people.erasure import BY_PERSON, by_platform
from jobs.people.pulled_rows import BY_ACCOUNT
from jobs.warehouse import pruning, suppression
from jobs.warehouse.commits import Partition
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.consent import CONSENT
from schemas.scores import SCORES
from schemas.table import Table

MOST_EDITS = 2  # characters by which a mistyped id may differ
MATCHES_SHOWN = 3

# Ids that the user may mean: those that differ from `$person` by a few characters, and those of accounts with the handle
# `$account`.
_CLOSE = """
    select person_id from (
        select person_id, levenshtein(lower(person_id), lower($person)) as edits from known
        union all
        select person_id, 0 from handles where lower(handle) = lower($account)
    ) where edits <= $most group by person_id order by min(edits), person_id limit $count
"""


def require(warehouse: Warehouse, people: Sequence[str]) -> None:
    """Raises `UsageError`, which names close matches, unless the warehouse names each of the people (`person_id`), or
    recognizes them as people who left."""
    by_platform(people)  # refuses what is no person_id
    left = suppression.ever(warehouse)
    strange = unknown(warehouse, [person for person in people if person not in left])
    if strange:
        faults = [
            f"{person}: nothing in this warehouse names this person{_meant(warehouse, person)}" for person in strange
        ]
        raise UsageError("\n".join([*faults, "If you mean somebody who may come later, add --in-advance"]))


def unknown(warehouse: Warehouse, people: Sequence[str]) -> list[str]:
    """Those of the people whom no row of a table is about. Reads each table at most once."""
    sought = set(people)
    for table, columns in [*BY_PERSON.items()][::-1]:
        sought -= _among(warehouse, table, {}, columns, sought)
    for table, columns in [*BY_ACCOUNT.items()][::-1]:
        for platform, accounts in by_platform(sought).items():
            named = _among(warehouse, table, {"platform": platform}, columns, set(accounts))
            sought -= {f"{platform}:{account}" for account in named}
    return [person for person in people if person in sought]


def _among(warehouse: Warehouse, table: Table, partition: Partition, columns: Sequence[str], ids: set[str]) -> set[str]:
    """Those of the ids that the columns hold. Reads no further when it has seen all."""
    seen: set[str] = set()
    if ids:
        condition = pruning.expression(partition) & pruning.either(dict.fromkeys(columns, tuple(ids)))
        for batch in warehouse.dataset(table, partition).scanner(columns=list(columns), filter=condition).to_batches():
            seen |= ids & {value for column in batch.columns for value in column.to_pylist()}
            if seen == ids:
                break
    return seen


def _meant(warehouse: Warehouse, person: str) -> str:
    close = close_matches(warehouse, person)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def close_matches(warehouse: Warehouse, person: str) -> list[str]:
    """The closest ids of people with a score, a consent or an account, the closest first. Each differs little from `person`, or
    its handle is the account id in `person`."""
    from jobs.scratch import scratch

    with scratch() as db:
        for table in (SCORES, CONSENT, ACCOUNTS):
            db.register(table.name, warehouse.dataset(table))
        db.execute("create view handles as select concat(platform, ':', account_id) as person_id, handle from accounts")
        db.execute(
            "create view known as select person_id from scores union select person_id from consent"
            " union select person_id from handles"
        )
        asked = {"person": person, "account": person.partition(":")[2], "most": MOST_EDITS, "count": MATCHES_SHOWN}
        return [close for (close,) in db.execute(_CLOSE, asked).fetchall()]
