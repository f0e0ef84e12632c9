"""Equal rows have equal digests, whatever their order; other rows have others."""

from collections.abc import Callable, Iterator

import duckdb
import pytest

from jobs.warehouse.digests import of_rows

ROWS = [("a", 1), ("b", 2), ("b", 2), (None, 3)]


@pytest.fixture
def digest() -> Iterator[Callable[..., str]]:
    with duckdb.connect() as db:
        db.execute("create table rows (name text, number bigint)")

        def of(*rows: tuple[str | None, int | None]) -> str:
            db.execute("delete from rows")
            if rows:
                db.executemany("insert into rows values (?, ?)", rows)
            return of_rows(db, "from rows where number > $above", {"above": 0}, ["name", "number"])

        yield of


def test_order_does_not_matter(digest: Callable[..., str]) -> None:
    assert digest(*ROWS) == digest(*reversed(ROWS))
    assert digest() == digest()


@pytest.mark.parametrize(
    "other",
    [
        ROWS[:3],
        [*ROWS[:2], *ROWS[3:]],  # a row once instead of twice
        [*ROWS, ("c", 4)],
        [("a", 2), ("b", 1), ("b", 2), (None, 3)],  # the same values in other rows
        [*ROWS[:3], ("-", 3)],  # which is how null is written
        [*ROWS[:3], ("", 3)],
        [("a", 1), ("b2:b", 2), ("b", 2), (None, 3)],
        [],
    ],
)
def test_other_rows_have_another(digest: Callable[..., str], other: list[tuple[str | None, int]]) -> None:
    assert digest(*ROWS) != digest(*other)


def test_recorded_digests_keep_their_meaning() -> None:
    """Warehouses hold digests of this text. Otherwise every day looks pulled again, and no score can be explained."""
    with duckdb.connect() as db:
        db.execute("create table rows (name text, number double, moment timestamp, is_bot boolean)")
        db.execute(
            "insert into rows values ('a', 0.1, '2026-11-03 01:02:03.5', true), (null, 3, null, false),"
            " ('', -1e300, '1970-01-01', null)"
        )
        assert of_rows(db, "from rows", {}, ["name", "number", "moment", "is_bot"]) == (
            "d33307bbf2e6da7b61b789e2fc8007d34806001b10d7f0d991060fa9d16bd8c0"
        )


def test_where_a_value_ends_is_part_of_it(digest: Callable[..., str]) -> None:
    assert digest(("a", 11)) != digest(("a1", 1))
