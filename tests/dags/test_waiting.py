"""The wait: when it goes on, when it defers, and what it reports."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred
from airflow.triggers.base import TriggerEvent

from dags import waiting
from dags.waiting import PullsTrigger, WaitForPulls
from jobs.nights import readiness

LACKING = ["source a: no coverage"]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`looks(LINES, ...)`: what each look finds, the last one for ever; the list of threads that looked."""

    def put(*found: list[str]) -> list[str]:
        threads: list[str] = []

        def lacking(warehouse: str, day: date, now: datetime) -> list[str]:
            threads.append(threading.current_thread().name)
            return found[min(len(threads), len(found)) - 1]

        monkeypatch.setattr(waiting, "lacking", lacking)
        return threads

    return put


def wait(started_before: timedelta, wait_hours: str = "6") -> Any:
    run = SimpleNamespace(start_date=datetime.now(UTC) - started_before)
    task = WaitForPulls(task_id="wait", day="2012-07-02", warehouse="/warehouse", wait_hours=wait_hours)
    return task.execute({"dag_run": run})


def test_goes_on_when_nothing_is_lacking(looks: Callable[..., list[str]]) -> None:
    looks([])
    assert wait(timedelta(minutes=1)) == []


def test_goes_on_without_it_when_the_run_is_old_and_says_so(
    looks: Callable[..., list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    looks(LACKING)
    with caplog.at_level(logging.WARNING):
        assert wait(timedelta(hours=6)) == LACKING
    assert caplog.messages == ["source a: no coverage; scoring without it"]


def test_need_not_wait(looks: Callable[..., list[str]]) -> None:
    looks(LACKING)
    assert wait(timedelta(0), wait_hours="0") == LACKING


def test_defers_while_the_run_is_young_until_it_is_old(looks: Callable[..., list[str]]) -> None:
    looks(LACKING)
    with pytest.raises(TaskDeferred) as deferred:
        wait(timedelta(hours=5, minutes=59))
    trigger = deferred.value.trigger
    left = datetime.fromisoformat(trigger.until) - datetime.now(UTC)
    assert timedelta(0) < left <= timedelta(minutes=1)
    assert deferred.value.method_name == "go_on"
    path, arguments = trigger.serialize()
    assert path == "dags.waiting.PullsTrigger"
    assert PullsTrigger(**arguments).serialize() == trigger.serialize()


async def first(trigger: PullsTrigger) -> TriggerEvent:
    return await anext(trigger.run())


def trigger(until: timedelta) -> PullsTrigger:
    at = (datetime.now(UTC) + until).isoformat()
    return PullsTrigger(warehouse="/warehouse", day="2012-07-02", until=at, look_every_s=0.01)


def test_the_trigger_looks_again_until_nothing_is_lacking(looks: Callable[..., list[str]]) -> None:
    threads = looks(LACKING, LACKING, [])
    assert asyncio.run(first(trigger(timedelta(hours=1)))) == TriggerEvent([])
    assert len(threads) == 3


def test_the_trigger_gives_up_in_time(looks: Callable[..., list[str]]) -> None:
    looks(LACKING)
    assert asyncio.run(first(trigger(timedelta(seconds=0.1)))) == TriggerEvent(LACKING)


def test_a_slow_look_blocks_no_other_trigger(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: Any) -> list[str]:
        time.sleep(0.5)
        return []

    monkeypatch.setattr(waiting, "lacking", slow)

    async def beside() -> int:
        looking, beats = asyncio.create_task(first(trigger(timedelta(hours=1)))), 0
        while not looking.done():
            await asyncio.sleep(0.01)
            beats += 1
        return beats

    assert asyncio.run(beside()) > 10


def test_asks_for_the_enabled_sources_and_the_official_window(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed = tmp_path / "sources.yaml"
    listed.write_text("- source: higgs=/a\n- source: gh:gharchive=\n- source: reddit=/b\n  to: 2012-07-01\n")
    monkeypatch.setenv("CLOUT_SOURCES", str(listed))
    asked: list[Any] = []

    def missing(*arguments: Any) -> list[Any]:
        asked.extend(arguments[1:4])
        return []

    monkeypatch.setattr(readiness, "missing", missing)
    assert waiting.lacking("/warehouse", date(2012, 7, 2), datetime.now(UTC)) == []
    assert asked == [["higgs", "gh"], date(2012, 7, 2) - timedelta(days=179), date(2012, 7, 2)]
