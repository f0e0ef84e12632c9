"""Checks and publishes the days of a backfill in ascending order, even if runs score several days in parallel.

The checks compare a day with the days published before it. So a run waits with its checks until no run of an earlier day is
running; it looks back `REACH` days. A backfill then publishes the same days at any `--max-active-runs`. Queued runs need no
wait: Airflow starts the runs of a backfill in order of their days, so a queued run is of a later day. Backfills that run
backwards are the exception.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.triggers.base import BaseTrigger, TriggerEvent

LOOK_EVERY_S = 5.0  # one query each time
REACH = 100  # days to look back, in one query


def at_work(dag_id: str, day: datetime) -> int:
    """The number of running runs of the DAG for the `REACH` days before `day`, a logical date. Queries Airflow's API, which
    works in a task and in the triggerer."""
    days = [day - timedelta(days=n) for n in range(1, REACH + 1)]
    return RuntimeTaskInstance.get_dr_count(dag_id=dag_id, logical_dates=days, states=["running"])


class EarlierDaysTrigger(BaseTrigger):
    """Fires when no run of an earlier day is running. `day` is the run's logical date in ISO format."""

    def __init__(self, *, dag_id: str, day: str, look_every_s: float = LOOK_EVERY_S) -> None:
        super().__init__()
        self.dag_id = dag_id
        self.day = day
        self.look_every_s = look_every_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Returns the import path of the class and its arguments, from which the triggerer creates the trigger."""
        names = ("dag_id", "day", "look_every_s")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Queries every `look_every_s` seconds. Yields one event, without payload, when no run of an earlier day is running."""
        while await asyncio.to_thread(at_work, self.dag_id, datetime.fromisoformat(self.day)):
            await asyncio.sleep(self.look_every_s)
        yield TriggerEvent(None)


class WaitForEarlierDays(BaseOperator):
    """Waits until no run of this DAG for one of the `REACH` days before is running."""

    template_fields: Sequence[str] = ()

    def execute(self, context: Context) -> None:
        """Succeeds at once if no run of an earlier day is running; otherwise defers to `EarlierDaysTrigger`."""
        day = context["logical_date"]
        if at_work(self.dag_id, day):
            self.defer(
                trigger=EarlierDaysTrigger(dag_id=self.dag_id, day=day.isoformat()), method_name=self.go_on.__name__
            )

    def go_on(self, context: Context, event: Any = None) -> None:
        """Resumes after the trigger fired, and succeeds."""
