"""Forgets people out of real activity that was scored and published, while the process is killed again and again at random
moments. Looks for what is left of them, and for what comes back when every day is pulled, counted, scored and published again.

Every round starts from a copy of the warehouse, is killed a few times, and ends with an undisturbed command. A command may use
random processor time up to that of an undisturbed one; then the kernel kills its process, which cannot clean up. The backfill
follows the last round.
"""

import os
import random
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import measuring
import pyarrow as pa
import pyarrow.compute as pc
from grounds import REASON
from measuring import DATA, HIGGS, Command, Figure
from pipeline import CLOUT
from records import Measured, of_rows
from rich.table import Table

from jobs import leaving
from jobs.people import byte_search, erasure, holdings
from jobs.people.byte_search import Searched
from jobs.warehouse import leavers, runs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.runs import RUNS
from schemas.scores import SCORES

PEOPLE, KILLS = 1_000, 200
KILLS_A_ROUND = 5  # so that many rounds are killed while nearly nothing is erased yet
AT = datetime(2026, 11, 10, 12, tzinfo=UTC)
KEY = "7" * 64


class Pulled(NamedTuple):
    """A source as `--source` names it, and its days."""

    spec: str
    first_day: date
    last_day: date


SOURCES = (
    Pulled(f"higgs:higgs={HIGGS}", date(2012, 7, 1), date(2012, 7, 7)),
    Pulled(f"gh:gharchive={DATA / 'gharchive'}", date(2015, 1, 1), date(2015, 1, 1)),
)


def figures(sizes: Sequence[str]) -> Iterator[Figure]:
    """Yields the figures for the real sources. `sizes`: the numbers of people and of kills."""
    people, kills = map(int, sizes)
    yield from measure(SOURCES, people, kills)


def measure(sources: Sequence[Pulled], people: int, kills: int) -> Iterator[Figure]:
    """Yields the figures for these sources."""
    with TemporaryDirectory() as folder:
        os.environ.update(CLOUT_SUPPRESSION_KEYS=KEY, CLOUT_SUPPRESSION_JOURNAL=f"{folder}/round/left.jsonl")
        warehouse, left = Warehouse(f"{folder}/warehouse"), Warehouse(f"{folder}/round/warehouse")
        backfill(warehouse, sources)
        leaving_people = chosen(warehouse, people)
        others = _others(warehouse, leaving_people)
        known = erasure.handles(warehouse, leaving_people)
        Path(folder, "people.txt").write_text("\n".join(leaving_people))
        command = Command(sys.executable, __file__, folder, str(kills))
        rounds = len(command.lines)
        sought = holdings.sought(left, leaving_people, known)
        traces = list(byte_search.traces(Path(left.root), sought, Searched()))
        unended = left.read(RUNS, {"job": leavers.FORGET, "status": runs.STARTED})
        stayed = _others(left, leaving_people)
        # One file beside the warehouse, to be searched too.
        Path(folder, "round", "printed.txt").write_text("\n".join(backfill(left, sources)))
        searched = Searched()
        back = list(byte_search.traces(Path(folder, "round"), sought, searched))
        scored = [each.row_count(SCORES, {}) for each in (warehouse, left)]
        gained = _others(left, leaving_people) - stayed
    yield Figure(f"{people:,} people leave {others:,} acts of others, killed {kills} times", command.seconds, "s")
    yield Figure("  processor time", command.processor_s, "s")
    yield Figure("  rounds from a copy", rounds, "")
    yield Figure("  killed commands that no command ended", len(unended), "", 0)
    yield Figure("  files that name somebody", len(traces), "files", 0)
    yield Figure("  acts of others lost", others - stayed, "", 0)
    yield Figure("  rows published before", scored[0], "")
    yield Figure("  rows published by a backfill of all days", scored[1], "")
    yield Figure("  files searched after it", searched.files, "files")
    yield Figure("  files that name somebody after it", len(back), "files", 0)
    yield Figure("  files that nobody could search", len(searched.unreadable), "files", 0)
    yield Figure("  acts that the backfill lost or added", abs(gained), "", 0)


def backfill(warehouse: Warehouse, sources: Sequence[Pulled]) -> list[str]:
    """Pulls, counts, scores and publishes all days of the sources. Returns what the commands print and log."""
    printed = []
    for spec, first_day, last_day in sources:
        command = Command(
            "sh", "-c", 'exec "$@" 2>&1', "sh",
            CLOUT, "run", "--verbose", "--source", spec, "--first-day", str(first_day), "--last-day", str(last_day),
            "--max-reject-share", "1", "--everybody", REASON, CLOUT_WAREHOUSE=warehouse.root,
        )  # fmt: skip
        printed += [line for _, line in command.lines]
    return printed


def chosen(warehouse: Warehouse, people: int) -> list[str]:
    """People (`person_id`) who leave, the same number from each platform."""
    draw, acts = random.Random(17), warehouse.read(ACTIVITY, columns=["platform", "actor_id", "target_id"])
    everybody: dict[str, set[str]] = {}
    for end in ("actor_id", "target_id"):
        for place in acts.group_by(["platform", end]).aggregate([]).to_pylist():
            everybody.setdefault(place["platform"], set()).add(f"{place['platform']}:{place[end]}")
    each = people // len(everybody)
    return sorted(person for name in sorted(everybody) for person in draw.sample(sorted(everybody[name]), each))


def _others(warehouse: Warehouse, people: Sequence[str]) -> int:
    """The number of acts that the people have no part in."""
    acts = warehouse.read(ACTIVITY, columns=["platform", "actor_id", "target_id"])
    theirs = pa.array(people)
    is_of = [
        pc.is_in(pc.binary_join_element_wise(acts["platform"], acts[end], ":"), value_set=theirs)
        for end in ("actor_id", "target_id")
    ]
    return pc.sum(pc.invert(pc.or_(*is_of))).as_py()


def rounds(folder: Path, kills: int) -> Iterator[int]:
    """Forgets the people in copies of the warehouse, killed so many times in all. Yields the kills of each round. Exits with
    the error of a command that fails."""
    draw, left = random.Random(18), kills
    whole_s = _whole(folder)
    while left:
        _fresh(folder)
        killed = 0
        while left and killed < KILLS_A_ROUND and _forget(folder, draw.uniform(0, whole_s)):
            killed, left = killed + 1, left - 1
        _whole(folder)
        yield killed


def _fresh(folder: Path) -> None:
    """Copies the warehouse by hard links, because no command changes a file."""
    shutil.rmtree(folder / "round", ignore_errors=True)
    shutil.copytree(folder / "warehouse", folder / "round" / "warehouse", copy_function=os.link)


def _whole(folder: Path) -> float:
    """Runs the command undisturbed. Returns its processor time in seconds."""
    if not (folder / "round").exists():
        _fresh(folder)
    before = sum(os.times()[2:4])
    if _forget(folder, 0):
        sys.exit("bench: killed, but not by the bench")
    return sum(os.times()[2:4]) - before


def _forget(folder: Path, after_s: float) -> bool:
    """Forgets the people in a process of its own, forked before this one used a library that starts threads. Returns whether it
    was killed after this processor time; never if 0."""
    child = os.fork()
    if not child:
        signal.setitimer(signal.ITIMER_PROF, after_s)  # the default action of SIGPROF ends the process
        try:
            people = tuple((folder / "people.txt").read_text().split("\n"))
            params = leaving.Params(people=people, at=AT)
            leaving.forget(Warehouse(str(folder / "round" / "warehouse")), params, Batch("bench"))
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        sys.exit("bench: forgetting failed")
    return False


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields each figure's value."""
    return of_rows("kills", figures)


def table(figures: Sequence[Figure]) -> Table:
    """A row per figure, with its limit."""
    return measuring.table("people leave, killed at random moments", figures)


if __name__ == "__main__":
    from jobs.people import tails  # noqa: F401 - loads Numba once, not in every process

    for killed in rounds(Path(sys.argv[1]), int(sys.argv[2])):
        print(killed, flush=True)
