"""A range of days: what is left of it, in what order it is done, and where it goes on after it stopped."""

import json
import signal
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs import day_range, interrupts
from jobs.cli import main
from jobs.day_range import Params, Plan
from jobs.pull_activity import JOB as PULL
from jobs.sources.spec import parse_specs
from jobs.warehouse import runs
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.catalog import TABLES
from schemas.methodology import load
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.grounds import LABEL, REASON

FIRST, SECOND, THIRD = (date(2026, 11, 1) + timedelta(days=n) for n in range(3))
ONE, TWO = parse_specs(["one:sample=people=50", "two:sample=people=60"])


def params(**changes: Any) -> Params:
    plain: dict[str, Any] = {"sources": (ONE, TWO), "first_day": FIRST, "last_day": THIRD, "score_from": SECOND}
    return Params(**plain | {"methodology": load("2026.11")} | changes)


# What is left to do


ALL = ({ONE: [FIRST, SECOND, THIRD], TWO: [FIRST, SECOND, THIRD]}, [SECOND, THIRD])


@pytest.fixture
def record(warehouse: Warehouse) -> Callable[..., None]:
    """`record(batch, job, day)`: the step is done in this batch, or has another state."""

    def write(batch: Batch, job: str, day: date, source: str = "", status: str = runs.DONE) -> None:
        runs.write(warehouse, [Run(job, day, batch, {"source": source} if source else {})], status)

    return write


def test_each_day_is_scored_under_its_official_methodology() -> None:
    days = [date(2026, 11, 29) + timedelta(days=n) for n in range(4)]
    across = params(first_day=days[0], last_day=days[-1], score_from=days[0], methodology=None)
    found = [(methodology.version, of) for methodology, of in across.by_methodology(across.scored_days)]
    assert found == [("2026.11", days[:2]), ("2026.12.1", days[2:])]
    chosen = params(methodology=load("2026.12")).by_methodology(days)
    assert [(methodology.version, of) for methodology, of in chosen] == [("2026.12", days)]
    assert params().key == params(methodology=None).key != params(methodology=load("2026.12")).key


def left(planned: Plan) -> tuple:
    return planned.pulls, planned.scores


def everything(record: Callable[..., None], batch: Batch) -> None:
    for day in (FIRST, SECOND, THIRD):
        record(batch, PULL, day, "one")
        record(batch, PULL, day, "two")
    for day in (SECOND, THIRD):
        record(batch, "publish", day)


def test_what_never_ran_is_left_whole_also_where_there_is_no_warehouse(warehouse: Warehouse, tmp_path: Path) -> None:
    for where in (warehouse, Warehouse(str(tmp_path / "nowhere"))):
        planned = day_range.plan(where, params())
        assert left(planned) == ALL
        assert not planned.resumed


def test_what_stopped_goes_on_at_the_first_step_that_is_not_done_as_the_same_batch(
    warehouse: Warehouse, record: Callable[..., None]
) -> None:
    batch = Batch(params().key)
    for day in (FIRST, SECOND, THIRD):
        record(batch, PULL, day, "one")
    record(batch, PULL, FIRST, "two")
    record(batch, PULL, SECOND, "two", runs.FAILED)
    record(batch, PULL, THIRD, "two", runs.STARTED)  # killed
    planned = day_range.plan(warehouse, params())
    assert left(planned) == ({ONE: [], TWO: [SECOND, THIRD]}, [SECOND, THIRD])
    assert (planned.batch, planned.resumed) == (batch, True)
    record(batch, PULL, SECOND, "two")
    record(batch, PULL, THIRD, "two")
    record(batch, "influence", SECOND)  # scored, and not published
    assert left(day_range.plan(warehouse, params())) == ({ONE: [], TWO: []}, [SECOND, THIRD])
    record(batch, "publish", SECOND)
    assert left(day_range.plan(warehouse, params())) == ({ONE: [], TWO: []}, [THIRD])


def test_what_was_done_to_its_end_is_done_again_whole_as_another_batch(
    warehouse: Warehouse, record: Callable[..., None]
) -> None:
    batch = Batch(params().key)
    everything(record, batch)
    planned = day_range.plan(warehouse, params())
    assert left(planned) == ALL
    assert not planned.resumed
    assert planned.batch.id != batch.id


@pytest.mark.parametrize(
    "change",
    [
        {"sources": (ONE,)},
        {"sources": parse_specs(["one:sample=people=51", "two:sample=people=60"])},
        {"last_day": THIRD + timedelta(days=1)},
        {"score_from": FIRST},
    ],
)
def test_another_command_does_not_go_on_where_this_one_stopped(
    warehouse: Warehouse, record: Callable[..., None], change: dict[str, Any]
) -> None:
    record(Batch(params().key), PULL, FIRST, "one")
    planned = day_range.plan(warehouse, params(**change))
    assert not planned.resumed
    assert all(FIRST in days for days in planned.pulls.values())


def test_another_share_of_rejects_is_the_same_command(warehouse: Warehouse, record: Callable[..., None]) -> None:
    record(Batch(params().key), PULL, FIRST, "one")
    assert day_range.plan(warehouse, params(max_reject_share=0.5)).resumed


# The whole of it, without Spark


def arguments(folder: Path) -> list[str]:
    """Two sources of three days, of which two are scored; one line has no time."""
    noon = 1_793_534_400  # of the first day
    acts = [(1, 2), (3, 2), (4, 1), (5, 4), (2, 4)]
    lines = [f"{src} {dst} {noon + day * 86_400 + src} RT" for day in range(3) for src, dst in acts]
    (folder / "1.txt").write_text("\n".join([*lines, "no time"]))
    (folder / "2.txt").write_text("\n".join(line.replace("RT", "MT") for line in lines[3:]))
    return [
        *(
            "run",
            "--everybody",
            REASON,
            "--source",
            f"a:higgs={folder / '1.txt'}",
            "--source",
            f"b:higgs={folder / '2.txt'}",
        ),
        *(
            "--first-day",
            str(FIRST),
            "--last-day",
            str(THIRD),
            "--score-from",
            str(SECOND),
            "--max-reject-share",
            "0.1",
        ),
    ]


def interrupted_at(day: date) -> Callable[..., Any]:
    """`day_range.score_day`, which gets Ctrl-C's signal when it is about to score this day."""
    score_day = day_range.score_day

    def score_or_stop(session: Any, warehouse: Warehouse, scored: date, *others: Any) -> Any:
        if scored == day:
            signal.raise_signal(signal.SIGINT)
        return score_day(session, warehouse, scored, *others)

    return score_or_stop


def steps(warehouse: Warehouse) -> list[tuple]:
    """(job, day, source, status) of every run, in the order in which they started."""
    found = warehouse.read(RUNS).sort_by([("started_at", "ascending"), ("day", "ascending")]).to_pylist()
    return [(r["job"], r["day"], json.loads(r["parameters"]).get("source"), r["status"]) for r in found]


def contents(warehouse: Warehouse) -> dict[str, list]:
    """All rows of all tables but the records of what was run and published, without the ids of pulls."""
    found = {
        table: arrow.sorted_by_grain(table, warehouse.read(table))
        for table in TABLES
        if table not in (RUNS, PUBLICATIONS)
    }
    return {
        table.name: rows.select([name for name in rows.column_names if name != "pull"]).to_pylist()
        for table, rows in found.items()
    }


@pytest.mark.system
def test_a_run_that_is_interrupted_between_days_is_continued_by_the_same_command(
    warehouse: Warehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = arguments(tmp_path)
    monkeypatch.setenv("CLOUT_WAREHOUSE", warehouse.root)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["clout", *command])
        patch.setattr(interrupts, "_descendants", list)  # processes of other tests
        patch.setattr(day_range, "score_day", interrupted_at(THIRD))
        with pytest.raises(SystemExit) as stopped:
            main.main()
    assert stopped.value.code == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith(f"scored  {SECOND}")
    assert said.err.splitlines()[-1] == "clout: interrupted; run the same command again to resume"
    assert "Traceback" not in said.err
    pulls = [(PULL, day, source, "done") for source in "ab" for day in (FIRST, SECOND, THIRD)]
    counts = [("engagement", day, None, "done") for day in (FIRST, SECOND, THIRD)]
    scored = {day: [(job, day, None, "done") for job in ("influence", "checks", "publish")] for day in (SECOND, THIRD)}
    before = [*pulls, *counts, *scored[SECOND]]
    assert steps(warehouse) == before
    assert {row["day"] for row in contents(warehouse)["scores"]} == {SECOND}

    main.app(command, standalone_mode=False)
    output = capsys.readouterr().out
    assert output.startswith(f"{LABEL}\nresuming: 0 of 3 days left to pull, 1 of 2 to score\n")
    assert "\n0 days pulled, 1 scored, in " in output
    # Counted again is the day that is scored; what was pulled and published is left as it is.
    assert steps(warehouse)[len(before) :] == [counts[-1], *scored[THIRD]]
    assert len(set(warehouse.read(RUNS)["batch_id"].to_pylist())) == 1
    continued = contents(warehouse)
    assert {row["day"] for row in continued["scores"]} == {SECOND, THIRD}

    main.app(command, standalone_mode=False)  # was done to its end, so everything is run again
    assert steps(warehouse)[len(before) + 4 :] == [*pulls, counts[-1], *scored[SECOND], *scored[THIRD]]
    assert len(set(warehouse.read(RUNS)["batch_id"].to_pylist())) == 2
    assert contents(warehouse) == continued
    assert [(r["day"], r["line"], r["source"]) for r in continued["rejects"]] == [(FIRST, 16, "a")]
    assert warehouse.read(SCORES).num_rows > 0
