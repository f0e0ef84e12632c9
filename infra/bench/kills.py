"""Forgets people out of real activity while the process is killed again and again at random moments, and looks for what is left
of them or comes back with the next pull.

Every round starts from a copy of the warehouse, is killed a few times, and ends with an undisturbed command. A command may use
random processor time up to that of an undisturbed one; then the kernel kills its process, which cannot clean up.
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

import grounds
import measuring
import pyarrow as pa
import pyarrow.compute as pc
from measuring import DATA, HIGGS, Command, Figure
from records import Measured, of_rows
from rich.table import Table

from jobs import leaving, pull_activity
from jobs.people import byte_search, erasure, holdings
from jobs.people.byte_search import Searched
from jobs.sources.spec import parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY

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
        warehouse = Warehouse(f"{folder}/warehouse")
        warehouse.create_tables()
        grounds.publish_everybody(warehouse)
        pull(warehouse, sources)
        leaving_people = chosen(warehouse, people)
        others = _others(warehouse, leaving_people)
        known = erasure.handles(warehouse, leaving_people)
        Path(folder, "people.txt").write_text("\n".join(leaving_people))
        command = Command(sys.executable, __file__, folder, str(kills))
        rounds = len(command.lines)
        left = Warehouse(f"{folder}/round/warehouse")
        sought = holdings.sought(left, leaving_people, known)
        traces = list(byte_search.traces(Path(left.root), sought, Searched()))
        stayed = _others(left, leaving_people)
        pull(left, sources)
        back = list(byte_search.traces(Path(left.root), sought, Searched()))
    yield Figure(f"{people:,} people leave {others:,} acts of others, killed {kills} times", command.seconds, "s")
    yield Figure("  processor time", command.processor_s, "s")
    yield Figure("  rounds from a copy", rounds, "")
    yield Figure("  files that name somebody", len(traces), "files", 0)
    yield Figure("  after everything is pulled again", len(back), "files", 0)
    yield Figure("  acts of others lost", others - stayed, "", 0)


def pull(warehouse: Warehouse, sources: Sequence[Pulled]) -> None:
    """Pulls all days of the sources."""
    for spec, first_day, last_day in sources:
        (source,) = parse_specs([spec])
        params = pull_activity.Params(source=source, first_day=first_day, last_day=last_day, max_reject_share=1)
        pull_activity.run(warehouse, params, Batch("bench"))


def chosen(warehouse: Warehouse, people: int) -> list[str]:
    """People (`person_id`) who leave, evenly from all platforms."""
    acts = warehouse.read(ACTIVITY, columns=["platform", "actor_id", "target_id"])
    found = [pc.binary_join_element_wise(acts["platform"], acts[end], ":") for end in ("actor_id", "target_id")]
    everybody = sorted(pc.unique(pa.chunked_array([*found[0].chunks, *found[1].chunks])).to_pylist())
    return sorted(random.Random(17).sample(everybody, people))


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
