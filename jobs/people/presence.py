"""Checks whether a warehouse names a person. Without this check, commands would accept a mistyped id without an error."""

from collections.abc import Sequence

import pyarrow.compute as pc

from jobs.errors import UsageError
from jobs.people.erasure import BY_ACCOUNT, BY_PERSON, by_platform
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
    by_platform(people)
    left = suppression.ever(warehouse)
    unknown = [person for person in people if not is_named(warehouse, person) and person not in left]
    if unknown:
        faults = [
            f"{person}: nothing in this warehouse names this person{_meant(warehouse, person)}" for person in unknown
        ]
        raise UsageError("\n".join([*faults, "If you mean somebody who may come later, add --in-advance"]))


def is_named(warehouse: Warehouse, person: str) -> bool:
    """Whether a row of a table is about the person."""
    for table, columns in [*BY_PERSON.items()][::-1]:
        if _any(warehouse, table, {}, pruning.either(dict.fromkeys(columns, (person,)))):
            return True
    platform, _, account = person.partition(":")
    return any(
        _any(warehouse, table, {"platform": platform}, pruning.either(dict.fromkeys(columns, (account,))))
        for table, columns in [*BY_ACCOUNT.items()][::-1]
    )


def _any(warehouse: Warehouse, table: Table, partition: Partition, condition: pc.Expression) -> bool:
    rows = warehouse.dataset(table, partition)
    return rows.head(1, columns=[table.column_names[0]], filter=pruning.expression(partition) & condition).num_rows > 0


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
