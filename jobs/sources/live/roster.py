"""Records the units of a day one after the other, and says which stay incomplete and why.

A unit is what one list of pages answers about: an account, a repository, a feed. Its recording ends with a cursor that is done.
If the platform cannot give the unit's whole day, that cursor says why, so a repeated pull of the day reports the same.

A refusal with status 403 concerns one unit only, such as a blocked repository, if the platform gave any other unit of the day.
If the platform gave none, it denies access as a whole.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from jobs.files import appearing
from jobs.sources.live.budget import ApiError, OutOfBudgetError
from jobs.sources.live.http import ForbiddenError, NotThereError
from jobs.sources.live.recording import DENIED, FAILED, Cursor, Recording
from jobs.sources.page import Note

log = logging.getLogger(__name__)


class DeletedError(NotThereError):
    """The account that a unit is about was deleted, or taken down. `account` is its id. Its acts no longer count
    (`withdrawals`)."""

    def __init__(self, account: str) -> None:
        super().__init__("the account is deleted")
        self.account = account


class RenamedError(NotThereError):
    """The account that a unit is about has another name."""

    reason = "renamed"


MOST_FAILURES = 3  # consecutive units that fail, after which the platform as a whole counts as failing


def record(
    folder: Path,
    units: Sequence[str],
    noun: str,
    ask: Callable[[str, Recording], None],
    most_failures: float = MOST_FAILURES,
) -> list[Note]:
    """Calls `ask` for each unit whose recording is not done; `ask` adds its pages. `noun` is the plural of what a unit is.

    A unit that does not exist is done, and its cursor says why. If the budget is used up, or `most_failures` units in a row
    fail, the rest of the units waits for the next pull; pass infinity if each unit is on a host of its own. Units that failed
    come last in the next pull, so that they never keep that pull from the others. Returns a note for each reason, with the
    number of units. Passes on other errors, such as `NotAllowedError`. Raises `ForbiddenError` if the platform refuses units
    and gives none.
    """
    failed = _failed(folder)
    failures: Counter[str] = Counter()
    refused: dict[str, ForbiddenError] = {}
    stopped: str | None = None
    in_a_row = asked = 0
    for unit in sorted(units, key=lambda unit: unit in failed):
        recording = Recording(folder, unit)
        if recording.cursor.done:
            asked += 1
            continue
        try:
            ask(unit, recording)
            in_a_row = 0
            failed.discard(unit)
        except NotThereError as error:
            log.info("%s: %s", unit.partition("?")[0], error)
            taken_back = [(None, error.account)] if isinstance(error, DeletedError) else None
            recording.add([], Cursor(None, True, error.reason, taken_back))
            in_a_row = 0
        except ForbiddenError as error:
            log.info("%s: %s", unit.partition("?")[0], error)
            refused[unit] = error
            if len(refused) == MOST_FAILURES and not _gives_any(folder, units):
                break
        except OutOfBudgetError as error:
            stopped = str(error)
            break
        except ApiError as error:
            log.info("%s: %s", unit.partition("?")[0], error)
            failures[str(error)] += 1
            failed.add(unit)
            in_a_row += 1
            if in_a_row == most_failures:
                stopped = str(error)
                break
        asked += 1
    if refused and not _gives_any(folder, units):
        raise next(iter(refused.values()))
    for unit in refused:
        Recording(folder, unit).add([], Cursor(None, True, DENIED))
    if failures:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with appearing(folder / FAILED) as part:
            part.write_bytes(orjson.dumps(sorted(failed)))
    return _notes(folder, units, noun, asked, stopped, failures)


def _failed(folder: Path) -> set[str]:
    """The units that failed in earlier pulls of the day; none if the file is damaged, as it decides only their order."""
    with suppress(OSError, ValueError):
        return set(orjson.loads((folder / FAILED).read_bytes()))
    return set()


def _gives_any(folder: Path, units: Sequence[str]) -> bool:
    """Whether the platform gave a page of any of the units."""
    return any(Recording(folder, unit).is_given for unit in units)


def _notes(
    folder: Path, units: Sequence[str], noun: str, asked: int, stopped: str | None, failures: Counter[str]
) -> list[Note]:
    cursors = [Recording(folder, unit).cursor for unit in units]
    total = f"{len(units):,} {noun}"
    lasting = Counter(cursor.missing for cursor in cursors if cursor.missing)
    notes = [
        Note(f"{count:,} of {total}: {reason}", partial=True, lasting=True) for reason, count in sorted(lasting.items())
    ]
    nothing = not any(cursor.done and not cursor.missing for cursor in cursors) and not any(folder.glob("*.zst"))
    if stopped:
        notes.append(
            Note(f"{stopped} after {asked:,} of {total}; the next pull resumes there", partial=True, absent=nothing)
        )
    elif failures:
        failed, (reason, _) = failures.total(), failures.most_common(1)[0]
        notes.append(
            Note(f"{failed:,} of {total} failed, most with: {reason}; pull again", partial=True, absent=nothing)
        )
    return notes
