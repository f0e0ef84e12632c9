"""A day that exceeds the memory of the database."""

import numpy as np
import pyarrow as pa
import pytest

from jobs.backends.duck import in_duckdb
from schemas.fixed_point import SCALE

PEOPLE, PAIRS = 5_000, 500_000
BESIDE = [f"beside_{number}" for number in range(10)]  # columns that make the pairs large: 48 MB in all


def pairs() -> pa.Table:
    """Pairs of an actor and another person, each once."""
    rng = np.random.default_rng(7)
    drawn = np.unique(rng.integers(0, PEOPLE * PEOPLE, 2 * PAIRS))
    src, dst = np.divmod(rng.permutation(drawn[drawn % (PEOPLE + 1) > 0])[:PAIRS], PEOPLE)
    names = pa.array([f"test:{number}" for number in range(PEOPLE)])
    columns = {
        "src": names.take(pa.array(src)),
        "dst": names.take(pa.array(dst)),
        "a": rng.integers(0, int(SCALE), PAIRS),
    }
    return pa.table(columns | dict.fromkeys(BESIDE, rng.integers(0, 1 << 62, PAIRS)))


def scored(spread: pa.Table) -> tuple[pa.Table, int]:
    """The sums of all people, and the bytes that the database spilled before they were added."""
    with in_duckdb() as backend:
        given = backend.local(spread)
        backend.number(backend.query("select src as name from {given} union all select dst from {given}", given=given))
        kept = backend.kept(backend.numbered(given, "src", "dst"))
        ((spilled,),) = backend.db.sql("select coalesce(sum(size), 0) from duckdb_temporary_files()").fetchall()
        _, sums = backend.sums(kept, 3, "auto", backend.need(kept))
        columns = ", ".join(f"bit_xor({name}) as {name}" for name in BESIDE)
        beside = backend.query(f"select src as id, {columns} from {{kept}} group by src", kept=kept)
        rows = backend.query("select * from {sums} left join {beside} using (id)", sums=sums, beside=beside)
        return backend.arrow(backend.named(rows, "id")).sort_by("id"), spilled


@pytest.mark.integration
def test_what_exceeds_the_memory_of_the_database_is_on_disk_and_changes_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    spread = pairs()
    expected, spilled = scored(spread)
    assert (len(expected), spilled) == (PEOPLE, 0)
    monkeypatch.setenv("CLOUT_MEMORY_GB", "0.05")
    rows, spilled = scored(spread)
    assert spilled > 0
    assert rows.equals(expected)
