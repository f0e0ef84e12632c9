"""Writers that run at once in threads, and what each of them raised."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jobs.warehouse.storage import LostRaceError


def race(write: Callable[[Any], None], *writers: Any) -> dict[Any, BaseException | None]:
    """Runs `write` for all writers at once; writer -> what it raised."""
    with ThreadPoolExecutor(len(writers)) as threads:
        done = {writer: threads.submit(write, writer) for writer in writers}
        return {writer: result.exception() for writer, result in done.items()}


def winner_and_loser(errors: dict[str, BaseException | None]) -> tuple[str, str]:
    """Of two writers, the one that raised nothing and the one that lost."""
    (winner,), (loser,) = [n for n, e in errors.items() if e is None], [n for n, e in errors.items() if e]
    assert isinstance(errors[loser], LostRaceError)
    return winner, loser
