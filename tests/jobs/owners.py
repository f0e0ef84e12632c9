"""People with several accounts, for tests: once as `jobs.score.linked` computes them, in DuckDB, and once by walking every
path."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import product

import duckdb
import pyarrow as pa
from hypothesis import strategies as st

from jobs.score import linked
from tests.jobs.equations import SCALE, Graph, Pair, Parts, engine

Owners = Mapping[str, str]  # account -> person; accounts that are not in it are people of their own


@st.composite
def owners(draw: st.DrawFn, accounts: list[str]) -> dict[str, str]:
    """Who owns which of the accounts, each person with one or more; some accounts are of nobody known."""
    numbers = draw(st.lists(st.integers(0, 3), min_size=len(accounts), max_size=len(accounts)))
    owned: dict[int, list[str]] = defaultdict(list)
    for account, number in zip(accounts, numbers, strict=True):
        owned[number].append(account)
    return {account: min(theirs) for number, theirs in owned.items() if number for account in theirs}


def table(owner: Owners) -> pa.Table:
    return pa.table({"account": pa.array(owner.keys(), pa.string()), "person": pa.array(owner.values(), pa.string())})


@cache
def database() -> duckdb.DuckDBPyConnection:
    """One connection for all examples: making one takes longer than most of them."""
    db = duckdb.connect(config={"threads": 1})
    db.execute("create macro rint(x) as round_even(x, 0)")
    return db


def of_accounts(a: Mapping[Pair, int], owner: Owners, rounds: int = 3) -> dict[str, tuple[int, int, int]]:
    """Account of an owner -> its parts, as multiples of 2^-36."""
    _, sums = engine(a, rounds)
    names, steps = list(sums), [[round(parts[step] * SCALE) for parts in sums.values()] for step in range(3)]
    db = database()
    src, dst = (pa.array([pair[end] for pair in a], pa.string()) for end in (0, 1))
    db.register("spread", pa.table({"src": src, "dst": dst, "a": pa.array(a.values(), pa.int64())}))
    columns = dict(zip(("one", "two", "three"), (pa.array(step, pa.int64()) for step in steps), strict=True))
    db.register("sums", pa.table({"id": pa.array(names, pa.string()), **columns}))
    db.register("linked", table(owner))
    query = linked.of_accounts_sql(rounds).format(spread="spread", sums="sums", linked="linked")
    found = {account: tuple(parts) for account, _, *parts in db.execute(query).fetchall()}
    assert found.keys() == {name for name in names if name in owner}
    return found


def of_each(graphs: Sequence[Mapping[Pair, int]], owner: Owners) -> list[dict[str, tuple[int, int, int]]]:
    """Of each graph what `of_accounts` gives, in one query, which takes less than two of one graph: none of them touches
    another, and what is not connected changes nothing (P6)."""
    apart = {(f"{n} {u}", f"{n} {v}"): a for n, graph in enumerate(graphs) for (u, v), a in graph.items()}
    owners_of_all = {f"{n} {account}": f"{n} {person}" for n in range(len(graphs)) for account, person in owner.items()}
    found: list[dict[str, tuple[int, int, int]]] = [{} for _ in graphs]
    for name, parts in of_accounts(apart, owners_of_all).items() if graphs else ():
        number, _, account = name.partition(" ")
        found[int(number)][account] = parts
    return found


def of_people(graph: Graph, owner: Owners) -> dict[str, Parts]:
    """Everybody's parts: people with an owner's accounts as one, all others as the engine has them."""
    return _of_people(graph, owner, of_accounts(graph.shares(), owner))


def of_people_each(graphs: Sequence[Graph], owner: Owners) -> list[dict[str, Parts]]:
    """Of each graph what `of_people` gives, by `of_each`."""
    found = of_each([graph.shares() for graph in graphs], owner)
    return [_of_people(graph, owner, parts) for graph, parts in zip(graphs, found, strict=True)]


def _of_people(graph: Graph, owner: Owners, found: Mapping[str, tuple[int, int, int]]) -> dict[str, Parts]:
    whole: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for account, parts in found.items():
        for step, units in enumerate(parts):
            whole[owner[account]][step] += units
    alone = {account: parts for account, parts in graph.parts().items() if account not in owner}
    return alone | {person: Parts(*(units / SCALE for units in parts)) for person, parts in whole.items()}


def walked(a: Mapping[Pair, int], mine: set[str]) -> dict[str, Parts]:
    """Each of one person's accounts -> what reaches it over every path of one to three steps that visits no account twice and
    none of theirs before its end."""
    accounts = {account for pair in a for account in pair}
    worth = {pair: units / SCALE for pair, units in a.items()}
    others = sorted(accounts - mine)
    found = {}
    for v in sorted(mine & accounts):
        parts = []
        for steps in (1, 2, 3):
            paths = (path for path in product(others, repeat=steps) if len(set(path)) == steps)
            walks = (list(zip(path, (*path[1:], v), strict=True)) for path in paths)
            parts.append(math.fsum(math.prod(worth.get(edge, 0.0) for edge in walk) for walk in walks))
        found[v] = Parts(*parts)
    return found
