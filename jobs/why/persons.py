"""Which person owns each account of a graph, as arrays, and each person's influence by the shares of one day."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.engines import memory
from jobs.score import linked
from jobs.warehouse.links import People
from schemas.fixed_point import UNIT

if TYPE_CHECKING:
    import duckdb

Array = np.ndarray


class Persons(NamedTuple):
    """`names` has the `person_id` of each person. The accounts of person n are `members[start[n] : start[n + 1]]`."""

    names: pa.Array
    start: Array
    members: Array

    def of(self, name: str) -> Array:
        """The numbers of the person's accounts; empty if nobody here has this name."""
        n = pc.index(self.names, name).as_py()
        return self.members[self.start[n] : self.start[n + 1]] if n >= 0 else self.members[:0]

    def values(self, asked: pa.Array, values: Array) -> Array:
        """The value of each person in `asked`; 0 for a name that nobody here has. `values` has one entry per person."""
        place = pc.index_in(asked, value_set=self.names)
        return pa.array(values).take(place).fill_null(0.0).to_numpy(zero_copy_only=False)


def of_accounts(accounts: pa.Array, people: People) -> Persons:
    """The persons who own these accounts, in the order of their first account."""
    owner = pc.index_in(accounts, value_set=people.accounts["account"].combine_chunks())
    names = pc.coalesce(people.accounts["person"].combine_chunks().take(owner), accounts)
    coded = names.dictionary_encode()
    person = coded.indices.to_numpy()
    start = np.searchsorted(np.sort(person), np.arange(len(coded.dictionary) + 1))
    return Persons(coded.dictionary, start, np.argsort(person, kind="stable"))


def held(db: "duckdb.DuckDBPyConnection", src: Array, dst: Array, share: Array, persons: Persons, rounds: int) -> Array:
    """Each person's influence by these shares, in accounts' worth. `src` and `dst` are account numbers, `share` is each edge's
    share as a double."""
    a = np.rint(share / UNIT).astype(np.int64)
    one, two, three = memory.influence(src, dst, a, len(persons.members), rounds).sums
    units = one + two + three
    counts = np.diff(persons.start)
    owner = np.repeat(np.arange(len(counts)), counts)
    several = counts[owner] > 1
    if several.any():
        db.register("held_spread", pa.table({"src": src, "dst": dst, "a": a}))
        db.register("held_sums", pa.table({"id": np.arange(len(units)), "one": one, "two": two, "three": three}))
        db.register("held_linked", pa.table({"account": persons.members[several], "person": owner[several]}))
        parts = linked.of_accounts_sql(rounds).format(spread="held_spread", sums="held_sums", linked="held_linked")
        found = db.sql(f"select id, one + two + three as units from ({parts})").to_arrow_table()
        units[found["id"].to_numpy()] = found["units"].to_numpy()
    whole = np.zeros(len(counts), np.int64)
    np.add.at(whole, owner, units[persons.members])
    return whole * UNIT
