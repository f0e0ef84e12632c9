"""Items that another thread computes ahead."""

from collections.abc import Iterator
from threading import Event, active_count, get_ident

import pytest

from jobs.ahead import ahead

PATIENCE_S = 60


def test_the_same_items_from_the_third_on_from_another_thread() -> None:
    threads: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            threads.append(get_ident())
            yield number

    assert list(ahead(items(), 3)) == list(range(100))
    assert threads[:2] == [get_ident()] * 2
    assert len(set(threads[2:])) == 1
    assert get_ident() not in threads[2:]


def test_further_items_are_computed_while_one_is_used_but_only_so_many() -> None:
    begun = [Event() for _ in range(10)]

    def items() -> Iterator[int]:
        for number, event in enumerate(begun):
            event.set()
            yield number

    following = ahead(items(), 3)
    assert [next(following), next(following)] == [0, 1]
    assert begun[4].wait(PATIENCE_S)
    assert not begun[5].wait(0.1)
    following.close()


@pytest.mark.parametrize("good", range(4))
def test_an_error_is_raised_in_the_place_of_its_item(good: int) -> None:
    def items() -> Iterator[int]:
        yield from range(good)
        raise OSError("no such page")

    following = ahead(items(), 3)
    assert [next(following) for _ in range(good)] == list(range(good))
    with pytest.raises(OSError, match="no such page"):
        next(following)


@pytest.mark.parametrize("count", range(3))
def test_few_items_start_no_thread_before_they_are_used(count: int) -> None:
    before = active_count()
    for expected, item in enumerate(ahead(iter(range(count)), 3)):
        assert item == expected
        assert active_count() == before + (expected > 0)
    assert active_count() == before


def test_who_stops_early_leaves_no_thread_at_work() -> None:
    before = active_count()
    following = ahead(iter(range(1000)), 2)
    assert [next(following), next(following)] == [0, 1]
    assert active_count() == before + 1
    following.close()
    assert active_count() == before
