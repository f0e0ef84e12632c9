"""Computes the next items of an iterator in another thread."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


def ahead(items: Iterator[T], most: int) -> Generator[T]:
    """The same items. While the caller uses one, a thread computes up to `most` further ones, which wait in memory. The thread
    starts with the third item, because to start one costs more than to write a small table. An error of `items` is raised in
    the place of its item. Closing it waits for the item that the thread computes."""
    yield from islice(items, 1)
    item = next(items, _END)
    if item is _END:
        return
    thread = ThreadPoolExecutor(1)
    waiting: deque[Future[T]] = deque()
    try:
        while item is not _END:
            while len(waiting) < most:
                waiting.append(thread.submit(next, items, _END))
            yield item
            item = waiting.popleft().result()
    finally:
        thread.shutdown(cancel_futures=True)
