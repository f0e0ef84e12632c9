"""Waits for the pulls of a day without occupying a slot or a process: the task checks once, then the triggerer checks.

A check reads two small tables of the warehouse. In the triggerer it runs in a thread of its own, so it blocks no other trigger.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.triggers.base import BaseTrigger, TriggerEvent

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(minutes=1)  # a pull takes minutes


def lacking(warehouse: str, day: date, now: datetime) -> list[str]:
    """One line of text for each reason why the scoring of the day must still wait; empty if the scoring can start."""
    from jobs.night_settings import nights
    from jobs.nights.readiness import missing
    from jobs.places import sources_file
    from jobs.sources.entries import enabled_sources
    from jobs.warehouse.storage import Warehouse
    from schemas.methodology import load
    from schemas.versions import official

    sources = [spec.id for spec in enabled_sources(sources_file(), day)]
    first_day = load(official(day)).first_day(day)
    return missing(Warehouse(warehouse), sources, first_day, day, now, nights().settle_hours)


class PullsTrigger(BaseTrigger):
    """Fires when no pull is missing, or at `until`, and reports the pulls that are still missing. `day` and `until` are in ISO
    format."""

    def __init__(self, *, warehouse: str, day: str, until: str, look_every_s: float) -> None:
        super().__init__()
        self.warehouse = warehouse
        self.day = day
        self.until = until
        self.look_every_s = look_every_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Returns the import path of the class and its arguments, from which the triggerer creates the trigger."""
        names = ("warehouse", "day", "until", "look_every_s")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Checks every `look_every_s` seconds. Yields one event with the lines of `lacking`: none, or those that remain at
        `until`."""
        day, until = date.fromisoformat(self.day), datetime.fromisoformat(self.until)
        while True:
            now = datetime.now(UTC)
            lines = await asyncio.to_thread(lacking, self.warehouse, day, now)
            if not lines or now >= until:
                yield TriggerEvent(lines)
                return
            await asyncio.sleep(min(self.look_every_s, (until - now).total_seconds()))


class WaitForPulls(BaseOperator):
    """Waits until no pull of the day is missing, or until `wait_hours` after the start of the run. Returns what is still
    missing."""

    template_fields: Sequence[str] = ("day", "warehouse", "wait_hours")

    def __init__(self, *, day: str, warehouse: str, wait_hours: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.day = day
        self.warehouse = warehouse
        self.wait_hours = wait_hours

    def execute(self, context: Context) -> list[str]:
        """Returns the lines of `lacking` if there are none or the wait is over; otherwise defers to `PullsTrigger`."""
        now, started = datetime.now(UTC), context["dag_run"].start_date or datetime.now(UTC)
        until = started + timedelta(hours=float(self.wait_hours))
        lines = lacking(self.warehouse, date.fromisoformat(self.day), now)
        if not lines or now >= until:
            return self.go_on(context, lines)
        for line in lines:
            log.info("waiting until %s at most: %s", until, line)
        trigger = PullsTrigger(
            warehouse=self.warehouse, day=self.day, until=until.isoformat(), look_every_s=LOOK_EVERY.total_seconds()
        )
        return self.defer(trigger=trigger, method_name=self.go_on.__name__)  # raises

    def go_on(self, context: Context, event: list[str]) -> list[str]:
        """Resumes after the wait. Logs and returns the lines of `event`: what is still missing."""
        for line in event:
            log.warning("%s; scoring without it", line)
        return event
