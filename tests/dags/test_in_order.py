"""A backfill decides its days in ascending order: a day waits while an earlier one is at work."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from airflow.sdk import timezone
from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.triggers.base import TriggerEvent

from dags.in_order import EarlierDaysTrigger, WaitForEarlierDays
from dags.score_influence import dag

DAY = timezone.datetime(2012, 7, 2)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict]]:
    """`running(COUNT, ...)`: how many of the runs that are asked for are running, at each look; the questions asked."""

    def put(*counts: int) -> list[dict]:
        asked: list[dict] = []

        def count(**question: object) -> int:
            asked.append(question)
            return counts[min(len(asked), len(counts)) - 1]

        monkeypatch.setattr(RuntimeTaskInstance, "get_dr_count", staticmethod(count))
        return asked

    return put


def wait() -> None:
    task = dag.get_task("wait_for_earlier_days")
    assert isinstance(task, WaitForEarlierDays)
    task.execute({"logical_date": DAY})


def test_goes_on_where_no_earlier_day_is_at_work(running: Callable[..., list[dict]]) -> None:
    asked = running(0)
    wait()
    (question,) = asked
    assert question["dag_id"] == "score_influence"
    assert question["states"] == ["running"]  # of queued runs, later ones of the backfill, none is waited for
    assert question["logical_dates"][:2] == [DAY - timedelta(days=1), DAY - timedelta(days=2)]
    assert DAY not in question["logical_dates"]


def test_defers_while_one_is_and_the_trigger_fires_when_none_is_left(running: Callable[..., list[dict]]) -> None:
    running(1)
    with pytest.raises(TaskDeferred) as deferred:
        wait()
    path, arguments = deferred.value.trigger.serialize()
    assert path == "dags.in_order.EarlierDaysTrigger"
    assert deferred.value.method_name == "go_on"
    asked = running(3, 1, 0)

    async def fired() -> TriggerEvent:
        return await anext(EarlierDaysTrigger(**arguments | {"look_every_s": 0.01}).run())

    assert asyncio.run(fired()) == TriggerEvent(None)
    assert len(asked) == 3
