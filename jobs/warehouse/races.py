"""Races between runs that write one table at the same time: names the run that won, and repeats writes that can be repeated."""

from deltalake import DeltaTable
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from jobs.errors import CloutError
from jobs.warehouse import commits
from jobs.warehouse.commits import Partition, as_text

# Prefixes of operations in the log that change files but no rows.
UPKEEP = ("OPTIMIZE", "VACUUM")

# Attempts at a write that collides with unrelated commits, such as bookkeeping of another day or source. With tens of
# concurrent writers, the last one needs about this many.
TRIES = 30


class LostRaceError(CloutError):
    """Commits of other runs came in between, so this run's step failed. Nothing of that step was kept."""


class RearrangedError(LostRaceError):
    """The commits that came first changed only other partitions, or were maintenance, which merges and removes files but
    changes no row. The caller can repeat the same write on top of `version`."""

    def __init__(self, message: str, version: int) -> None:
        super().__init__(message)
        self.version = version


def lost(table: str, before: int, description: str, now: DeltaTable, partition: Partition | None) -> LostRaceError:
    """The error for a run that could not write the partition or, without one, could not merge files. That run opened the table
    at version `before`, with this `description` (`commits.description`). `now` is the table as reopened after the collision.
    Returns a `RearrangedError` if the run can repeat the write."""
    mine = as_text(partition or {})
    what = " ".join([table, *map(",".join, mine.values())])
    # Read once: a second list would also hold commits that were made in between.
    history = [entry for entry in now.history() if before < int(entry["version"]) <= now.version()]
    newer = list(commits.commits(history))
    for commit in newer:
        theirs = commit.partition
        if partition is None or theirs is None:
            continue  # one of the two changes no row
        if all(set(mine[name]) & set(theirs.get(name, mine[name])) for name in mine):
            return LostRaceError(
                f"{what}: lost to run {commit.run_id} ({commit.job}), which wrote it meanwhile; nothing of this run was kept"
            )
    elsewhere = {commit.version for commit in newer}
    others = [entry for entry in history if entry["version"] not in elsewhere]
    if history and all(entry.get("operation", "").startswith(UPKEEP) for entry in others):
        return RearrangedError(
            f"{what}: other partitions changed meanwhile, or files were rearranged (`clout maintain`); nothing of this run was"
            " kept",
            now.version(),
        )
    if commits.description(now) != description:
        return LostRaceError(
            f"{what}: the table was altered meanwhile (`clout upgrade`); nothing of this run was kept, run it again"
        )
    return LostRaceError(f"{what}: lost to another run, which wrote it meanwhile; nothing of this run was kept")


def repeated(collision: type[Exception]) -> Retrying:
    """Attempts at a block. Loop over them and put the block under `with attempt:`. The loop repeats the block as long as it
    raises `collision`, after random waits of at most 1 s. After `TRIES` attempts, raises the last collision."""
    return Retrying(
        retry=retry_if_exception_type(collision),
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=0.02, max=1),
        reraise=True,
    )
