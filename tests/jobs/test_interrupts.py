"""Ctrl-C at any moment: one line, exit code 1, and nothing left running."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from signal import Signals

import psutil
import pytest

from jobs import interrupts
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.runs import RUNS
from tests.jobs.test_cli_process import start

LINE = "clout: interrupted; run the same command again to resume\n"
WAIT_S = 120  # for a moment to come, on a machine that is busy


class Interrupted:
    """A `clout run` with a process group of its own, as a terminal gives it."""

    def __init__(self, warehouse: Warehouse, last_day: str, engine: str) -> None:
        asked = (
            "--source",
            "sample=people=50",
            "--first-day",
            "2026-09-01",
            "--last-day",
            last_day,
            "--engine",
            engine,
        )
        self.process = start(warehouse.root, "run", *asked, stdout=subprocess.PIPE, start_new_session=True)
        self.children: list[psutil.Process] = []

    def when(self, moment: Callable[[], object]) -> None:
        """Sends SIGINT to the whole group as soon as the moment has come, and asserts how the command ends."""
        assert self.process.stderr
        deadline = time.monotonic() + WAIT_S
        while not moment():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < deadline, "the moment never came"
            time.sleep(0.02)
        self.children = psutil.Process(self.process.pid).children(recursive=True)
        os.killpg(self.process.pid, signal.SIGINT)
        out, err = self.process.communicate(timeout=WAIT_S)
        assert (self.process.returncode, err) == (1, LINE)
        assert "Traceback" not in out
        _, alive = psutil.wait_procs(self.children, timeout=5)
        assert alive == []


@pytest.fixture
def run(warehouse: Warehouse) -> Iterator[Callable[..., Interrupted]]:
    started = []

    def begin(last_day: str = "2026-09-01", engine: str = "auto") -> Interrupted:
        started.append(Interrupted(warehouse, last_day, engine))
        return started[-1]

    yield begin
    for found in started:
        for process in [*found.children, found.process]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def catches_sigterm(pid: int) -> bool:
    """Whether the process has come as far as its own handlers: a Python without them leaves SIGTERM to the system."""
    with open(f"/proc/{pid}/status") as status:
        caught = next(line for line in status if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << signal.SIGTERM - 1)


@pytest.mark.system
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's /proc")
def test_while_modules_are_imported(warehouse: Warehouse, run: Callable[..., Interrupted]) -> None:
    interrupted = run()
    interrupted.when(lambda: catches_sigterm(interrupted.process.pid))
    assert warehouse.row_count(RUNS, {}) == 0


@pytest.mark.system
def test_while_pulling_and_the_days_that_are_there_stay(warehouse: Warehouse, run: Callable[..., Interrupted]) -> None:
    interrupted = run("2026-10-31")
    output = interrupted.process.stdout
    assert output is not None
    assert output.readline() == "SIMULATED: these people do not exist\n"
    interrupted.when(lambda: output.readline().startswith("pulled  2026-09-01 "))
    states = {row["day"]: row["status"] for row in warehouse.read(RUNS).to_pylist()}
    done = [day for day, status in sorted(states.items()) if status == "done"]
    assert set(states.values()) == {"done", "failed"}
    assert done == [date(2026, 9, 1) + timedelta(days=n) for n in range(len(done))]
    assert set(done) <= {row["day"] for row in warehouse.read(COVERAGE).to_pylist()}


@pytest.mark.system
def test_while_the_jvm_starts(run: Callable[..., Interrupted]) -> None:
    """Left alone, this JVM would never end: the folder in which it says that it is ready is gone."""
    interrupted = run(engine="spark")
    interrupted.when(psutil.Process(interrupted.process.pid).children)
    assert interrupted.children != []


@pytest.mark.system
@pytest.mark.parametrize("engine", ["memory", "spark"])
def test_while_a_day_is_scored(warehouse: Warehouse, run: Callable[..., Interrupted], engine: str) -> None:
    """By DuckDB, and by Spark."""
    interrupted = run(engine=engine)
    interrupted.when(lambda: warehouse.row_count(RUNS, {"job": "influence", "status": "started"}))
    assert set(warehouse.read(RUNS, {"job": "influence"})["status"].to_pylist()) == {"failed"}


# In this process


@pytest.fixture
def childless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of other tests are not an interrupt's to end."""
    monkeypatch.setattr(interrupts, "_descendants", list)


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_an_interrupt_is_remembered_whatever_becomes_of_it(childless: None, number: Signals) -> None:
    with interrupts.handled():
        assert not interrupts.asked()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert interrupts.asked()
        signal.raise_signal(number)  # a second one does not disturb what the first one began
    with interrupts.handled():
        assert not interrupts.asked()


class Finalized:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_within_a_finalizer_is_raised_outside_of_it(childless: None) -> None:
    def drop() -> None:
        Finalized()
        time.sleep(10)

    with interrupts.handled(), pytest.raises(KeyboardInterrupt):
        drop()


def test_an_interrupt_within_a_finalizer_is_not_raised_after_the_end_of_the_command(
    childless: None,
) -> None:
    """It may end at once for another reason: the JVM that the interrupt ended is missed. Then it reports the interrupt."""
    late: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: late.append(number))
    try:
        with interrupts.handled():
            Finalized()
            assert interrupts.asked()
            interrupts.end_children()
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert late == []


def test_what_was_handled_before_is_handled_so_again(childless: None) -> None:
    before = [signal.getsignal(number) for number in interrupts.SIGNALS]
    with interrupts.handled(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert [signal.getsignal(number) for number in interrupts.SIGNALS] == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--source", "sample"], LINE),
        (["-v", "run"], LINE),
        (["engagement"], LINE),
        (["show", "run"], "clout: interrupted\n"),
        ([], "clout: interrupted\n"),
    ],
)
def test_the_line_promises_to_go_on_where_the_command_does(arguments: list[str], message: str) -> None:
    assert f"clout: {interrupts.message(arguments)}\n" == message
