"""Races of runs that write one table at once: which run lost to which, and what is retried."""

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from jobs.errors import CloutError
from jobs.warehouse import commits
from jobs.warehouse.commits import Partition, as_text

# Names or texts in Spark's error if another commit came first.
COLLISIONS = ("Concurrent", "DELTA_CONCURRENT", "MetadataChanged", "DELTA_METADATA_CHANGED")

# Operations, as Spark and deltalake name them, that change files but no rows.
UPKEEP = ("OPTIMIZE", "VACUUM")

# A commit that collides with an unrelated one (bookkeeping of another day or source) is retried. With tens of concurrent
# writers the last one needs about this many tries.
TRIES = 30


class LostRaceError(CloutError):
    """Another run wrote the same partition while this one was running; nothing of this run was kept."""


class RearrangedError(LostRaceError):
    """Only other partitions changed meanwhile, or maintenance merged or removed files: the caller can retry the same write on
    top of `version`."""

    def __init__(self, message: str, version: int) -> None:
        super().__init__(message)
        self.version = version


def is_collision(error: Exception) -> bool:
    """Whether a writer raised the error because another commit came first."""
    return isinstance(error, CommitFailedError) or any(name in f"{type(error).__name__} {error}" for name in COLLISIONS)


def lost(table: str, before: int, description: str, now: DeltaTable, partition: Partition) -> LostRaceError:
    """The error for a run that could not replace the partition. It opened the table at version `before`, with this
    description."""
    mine = as_text(partition)
    what = f"{table} {' '.join(','.join(values) for values in mine.values())}"
    newer = [commit for commit in commits.commits(now) if commit.version > before]
    for commit in newer:
        if all(set(mine[name]) & set(commit.partition.get(name, mine[name])) for name in mine):
            return LostRaceError(
                f"{what}: lost to run {commit.run_id} ({commit.job}), which wrote it meanwhile; nothing of this run was kept"
            )
    since = now.version() - before
    elsewhere = {commit.version for commit in newer}
    others = [entry for entry in now.history(since) if entry["version"] not in elsewhere] if since > 0 else []
    if since > 0 and all(entry.get("operation", "").startswith(UPKEEP) for entry in others):
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
    """Attempts (`for attempt in ...: with attempt:`) until one does not collide. After `TRIES` collisions, raises the last
    one."""
    return Retrying(
        retry=retry_if_exception_type(collision),
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=0.02, max=1),
        reraise=True,
    )
