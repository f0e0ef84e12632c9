"""Decides a backfill's days in ascending order, in whatever order they are computed and however many at once.

The checks compare a day with the days published before it. So a day is decided only when no run of an earlier day is running. A
backfill then publishes the same days at any `--max-active-runs`. Airflow starts a backfill's runs in order of their days, so
queued runs are of later days, unless the backfill runs backwards.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.triggers.base import BaseTrigger, TriggerEvent

LOOK_EVERY_S = 20.0  # scoring a day takes minutes
REACH = 100  # days to look back; never are more runs active at once


def at_work(dag_id: str, day: datetime) -> int:
    """How many runs of the DAG for earlier days are running. Queries Airflow, from a task or the triggerer."""
    days = [day - timedelta(days=n) for n in range(1, REACH + 1)]
    return RuntimeTaskInstance.get_dr_count(dag_id=dag_id, logical_dates=days, states=["running"])


class EarlierDaysTrigger(BaseTrigger):
    """Fires when no run of an earlier day is running. `day` is the run's logical date, as text."""

    def __init__(self, *, dag_id: str, day: str, look_every_s: float = LOOK_EVERY_S) -> None:
        super().__init__()
        self.dag_id = dag_id
        self.day = day
        self.look_every_s = look_every_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Returns the path of the class and the arguments, from which the triggerer makes the trigger again."""
        names = ("dag_id", "day", "look_every_s")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Looks every `look_every_s` seconds. Yields one event, without content, when no run of an earlier day is running."""
        while await asyncio.to_thread(at_work, self.dag_id, datetime.fromisoformat(self.day)):
            await asyncio.sleep(self.look_every_s)
        yield TriggerEvent(None)


class WaitForEarlierDays(BaseOperator):
    """Waits until no run of this DAG for an earlier day is running."""

    template_fields: Sequence[str] = ()

    def execute(self, context: Context) -> None:
        """Ends at once if no run of an earlier day is running; otherwise defers to `EarlierDaysTrigger`."""
        day = context["logical_date"]
        if at_work(self.dag_id, day):
            self.defer(
                trigger=EarlierDaysTrigger(dag_id=self.dag_id, day=day.isoformat()), method_name=self.go_on.__name__
            )

    def go_on(self, context: Context, event: Any = None) -> None:
        """Ends the wait; nothing else is left to do."""
