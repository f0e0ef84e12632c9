"""Items that another thread computes ahead."""

from collections.abc import Iterator
from threading import Event, active_count, get_ident

import pytest

from jobs.ahead import ahead

PATIENCE_S = 60


def test_the_same_items_from_another_thread() -> None:
    threads = set[int]()

    def items() -> Iterator[int]:
        for number in range(100):
            threads.add(get_ident())
            yield number

    assert list(ahead(items(), 3)) == list(range(100))
    assert len(threads) == 1
    assert get_ident() not in threads


def test_further_items_are_computed_while_one_is_used_but_only_so_many() -> None:
    begun = [Event() for _ in range(10)]

    def items() -> Iterator[int]:
        for number, event in enumerate(begun):
            event.set()
            yield number

    following = ahead(items(), 3)
    assert next(following) == 0
    assert begun[3].wait(PATIENCE_S)
    assert not begun[5].wait(0.1)
    following.close()


def test_an_error_is_raised_in_the_place_of_its_item() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("no such page")

    following = ahead(items(), 3)
    assert next(following) == 1
    with pytest.raises(OSError, match="no such page"):
        next(following)


def test_who_stops_early_leaves_no_thread_at_work() -> None:
    before = active_count()
    following = ahead(iter(range(1000)), 2)
    assert next(following) == 0
    assert active_count() == before + 1
    following.close()
    assert active_count() == before
