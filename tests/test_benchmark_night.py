"""The acts of a big night and its skewed variants, and what is printed of them. Nothing here starts a JVM."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from jobs.sources.activitystreams import ActivityStreamsSource
from jobs.sources.page import Page
from jobs.sources.parquet import ParquetSource
from tests.benchmarks import modules

ACTS, PEOPLE = 3_000, 1_200


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    found = modules(monkeypatch, "night", "night_tables", "event_log")
    monkeypatch.setattr(found.night_tables, "TARGETS", 500)
    return found


@pytest.fixture
def db(bench: SimpleNamespace) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute(bench.night_tables.PAIRS)
        yield made


def shapes(bench: SimpleNamespace) -> list[Any]:
    return [bench.night_tables.Night(ACTS, shape) for shape in bench.night_tables.SHAPES]


def test_no_pair_is_twice_or_of_one_account(bench: SimpleNamespace, db: duckdb.DuckDBPyConnection) -> None:
    for night in shapes(bench):
        pairs = db.sql(
            f"select {night.ends} from (select number as pair from range({night.pairs}) r(number))"
        ).fetchall()
        assert len({*pairs}) == len(pairs) == PEOPLE * bench.night_tables.FRIENDS
        assert all(src != dst and min(src, dst) >= 0 and max(src, dst) <= PEOPLE for src, dst in pairs)


def test_every_night_has_as_many_acts(bench: SimpleNamespace, db: duckdb.DuckDBPyConnection) -> None:
    for night in shapes(bench):
        acts = db.sql(night.acts_sql(bench.night_tables.DAY, night.acts)).fetchall()
        assert len(acts) == ACTS
        assert all((src == dst) == (kind == "post") for _, src, dst, kind in acts)
        assert {kind for *_, kind in acts} == {"like", "reshare", "reply", "post"}


def test_a_skewed_night_has_one_account_more_which_receives_or_does_much(
    bench: SimpleNamespace, db: duckdb.DuckDBPyConnection
) -> None:
    even, receiver, actor = (
        db.sql(f"select src, dst from ({night.acts_sql(bench.night_tables.DAY, ACTS)}) where kind <> 'post'").fetchall()
        for night in shapes(bench)
    )
    received = Counter(dst for _, dst in receiver)
    assert received[PEOPLE] / len(receiver) == pytest.approx(0.05, rel=0.2)
    assert max(Counter(dst for _, dst in even).values()) < received[PEOPLE] / 4
    targets = {dst for src, dst in actor if src == PEOPLE}
    assert len(targets) == pytest.approx(len([src for src, _ in actor if src == PEOPLE]), rel=0.3)
    assert max(Counter(src for src, _ in even).values()) < len(targets) / 4
    assert PEOPLE not in {end for pair in even for end in pair}


def test_both_files_hold_the_same_acts(bench: SimpleNamespace, db: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    tables = bench.night_tables
    tables.write_acts(db, tables.Night(ACTS), tmp_path)
    columns = ("kind", "actor_id", "target_id", "occurred_at", "activity_id", "object_id")

    def acts(pages: Iterator[Page]) -> list[tuple[Any, ...]]:
        found = list(pages)
        assert sum(page.faults.num_rows for page in found) == 0
        return sorted(tuple(act[name] for name in columns if act["kind"] != "post" or name != "object_id")
                      for page in found for act in page.acts.to_pylist())  # fmt: skip

    of_rows = acts(ParquetSource("a", [str(tmp_path / tables.PARQUET)]).pages(tables.DAY, tables.DAY))
    of_lines = acts(ActivityStreamsSource("a", [str(tmp_path / tables.LINES)]).pages(tables.DAY, tables.DAY))
    assert len(of_rows) == ACTS
    assert of_lines == of_rows
    instants: list[datetime] = pq.read_table(tmp_path / tables.PARQUET)["occurred_at"].to_pylist()
    assert {instant.date() for instant in instants} == {tables.DAY}


def test_many_acts_are_not_written_as_lines(
    bench: SimpleNamespace, db: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.night_tables, "MOST_LINES", ACTS - 1)
    bench.night_tables.write_acts(db, bench.night_tables.Night(ACTS), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [bench.night_tables.PARQUET]


# What is printed


def figure(bench: SimpleNamespace, millions: str, shape: str, seconds: float, is_compared: bool) -> Any:
    """A night whose commands take this long each, twice that of processor time, and 4 GB."""
    night = bench.night
    commands = (*night.COMMANDS, night.PULL_LINES)
    made = night.Figure(millions, shape, is_compared, int(millions) * 1_000_000, 4_000, 400, "memory")
    made.seconds, made.processor_s, made.peak_gb = (
        dict.fromkeys(commands, value) for value in (seconds, 2 * seconds, 4.0)
    )
    made.longest = {"weigh pairs, stage 3": 7.5}
    return made


def test_only_the_largest_night_has_limits_and_lines_are_no_part_of_it(bench: SimpleNamespace) -> None:
    night = bench.night
    nights = [figure(bench, size, night.EVEN, 200.0, False) for size in ("1", "50")]
    assert [(each.what, each.value, each.limit) for each in night.measured(nights)] == [
        ("from a file of acts to published scores", 1000.0, None),
        ("peak memory", 4.0, None),
        ("processor time of a million acts", 2000.0, None),
        ("from a file of acts to published scores", 1000.0, 900),
        ("peak memory", 4.0, 16),
        ("processor time of a million acts", 40.0, None),
    ]
    console = Console(width=200, record=True)
    console.print(night.table(nights))
    assert console.export_text().count("over the limit") == 1
    assert figure(bench, "50", night.RECEIVER, 200.0, False).limits == (None, None)


def test_skewed_nights_are_multiples_of_the_even_one(bench: SimpleNamespace) -> None:
    night = bench.night
    nights = [figure(bench, "1", shape, 10.0 + 3 * place, True) for place, shape in enumerate(night.SHAPES)]
    assert [(each.what, each.value, each.limit) for each in night.measured(nights)] == [
        ("one account receives 5 %: seconds", 1.3, 1.2),
        ("one account receives 5 %: processor time", 1.3, 1.2),
        ("one actor has a million targets: seconds", 1.6, 1.2),
        ("one actor has a million targets: processor time", 1.6, 1.2),
    ]
    console = Console(width=200, record=True)
    console.print(night.table(nights))
    text = console.export_text()
    assert text.count("over the limit") == 2
    assert "weigh pairs, stage 3: 7.5" in text


def test_the_longest_task_of_stages_that_read_a_shuffle(bench: SimpleNamespace) -> None:
    def task(stage: int, seconds: float, read: int) -> dict[str, Any]:
        shuffle = {"Remote Bytes Read": 0, "Local Bytes Read": read}
        metrics = {"Executor Run Time": seconds * 1000, "Shuffle Read Metrics": shuffle}
        return {"Event": "SparkListenerTaskEnd", "Stage ID": stage, "Task Metrics": metrics}

    start = {
        "Event": "SparkListenerJobStart",
        "Stage IDs": [0, 1, 2, 3],
        "Properties": {"spark.job.description": "count"},
    }
    scans, joins, short = [task(0, 9.0, 0)] * 3, [task(1, s, 5) for s in (1.0, 2.0, 8.0)], [task(2, 0.1, 5)] * 3
    lost = {"Event": "SparkListenerTaskEnd", "Stage ID": 1}  # with its executor
    stages = bench.event_log.stages(map(json.dumps, [start, *scans, *joins, *short, lost]))
    assert [(stage.step, len(stage.task_s), stage.shuffle_read) for stage in stages] == [
        ("count", 3, 0), ("count", 3, 15), ("count", 3, 15),
    ]  # fmt: skip
    assert bench.night.longest(stages) == {"count, stage 1": 4.0}
