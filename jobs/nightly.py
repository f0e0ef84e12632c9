"""The whole of a range of days, as `clout run` does it: pull every day, count every day, then score day by day.

All days share one Spark session. A range that was interrupted goes on at the first step that is not done.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from jobs import checks, engagement, influence, publish, pull_activity, runs
from jobs.engines import AUTO
from jobs.runs import Batch
from jobs.session import build
from jobs.sources.spec import SourceSpec
from jobs.storage import Warehouse
from jobs.window import days_between
from schemas.methodology import Methodology


@dataclass(frozen=True, kw_only=True)
class Params:
    """Sources are pulled for first_day..last_day; days from `score_from` on are scored."""

    sources: tuple[SourceSpec, ...]
    first_day: date
    last_day: date
    score_from: date
    methodology: Methodology
    max_reject_share: float = pull_activity.MAX_REJECT_SHARE
    engine: str = AUTO

    @property
    def pulled_days(self) -> list[date]:
        return days_between(self.first_day, self.last_day)

    @property
    def scored_days(self) -> list[date]:
        return days_between(self.score_from, self.last_day)

    @property
    def key(self) -> str:
        """The same range, sources and methodology have the same key, whatever the engine."""
        told = [
            [argument for spec in self.sources for argument in spec.arguments],
            [str(self.first_day), str(self.last_day), str(self.score_from)],
            self.methodology.version,
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@dataclass(frozen=True)
class Scored:
    """One day that is published."""

    day: date
    people: int
    pairs: int


@dataclass(frozen=True)
class Plan:
    """What is left to do of a range: nothing of it is done, or it goes on where it stopped."""

    batch: Batch
    pulls: dict[SourceSpec, list[date]]
    scores: list[date]
    resumed: bool


def plan(warehouse: Warehouse, params: Params) -> Plan:
    """The steps of the range that the newest run of the same range and sources did not finish; all, if it did."""
    batch, done = runs.done_steps(warehouse, params.key) if warehouse.exists() else (Batch(params.key), set())
    pulls = {
        spec: [day for day in params.pulled_days if (pull_activity.JOB, day, spec.id) not in done]
        for spec in params.sources
    }
    scores = [day for day in params.scored_days if (publish.PUBLISH, day, "") not in done]
    if not any(pulls.values()) and not scores:
        return Plan(Batch(params.key), dict.fromkeys(params.sources, params.pulled_days), params.scored_days, False)
    return Plan(batch, pulls, scores, bool(done))


def pull(
    warehouse: Warehouse,
    params: Params,
    planned: Plan,
    on_lines: Callable[[int], None],
    on_day: Callable[[pull_activity.Pulled], None],
) -> None:
    """Pulls what is left to pull, source by source; each source streams its files once."""
    for spec, days in planned.pulls.items():
        if days:
            asked = pull_activity.Params(
                source=spec,
                first_day=params.first_day,
                last_day=params.last_day,
                skip=frozenset(params.pulled_days) - frozenset(days),
                max_reject_share=params.max_reject_share,
            )
            pull_activity.run(warehouse, asked, planned.batch, on_lines, on_day)


def score(warehouse: Warehouse, params: Params, planned: Plan) -> Iterator[Scored]:
    """Counts every day that the windows need, in one go, then scores and publishes day by day, yielding each."""
    if not planned.scores:
        return
    session = build()
    methodology = params.methodology
    first_day = methodology.first_day(planned.scores[0])
    engagement.run(session, warehouse, engagement.Params(day=planned.scores[-1], first_day=first_day), planned.batch)
    for day in planned.scores:
        counts = influence.run(
            session, warehouse, influence.Params(day=day, methodology=methodology), planned.batch, params.engine
        )
        checks.run(warehouse, checks.Params(day=day, methodology=methodology.version), planned.batch)
        publish.run(warehouse, publish.Params(day=day, methodology=methodology), planned.batch)
        yield Scored(day, int(counts["people"]), int(counts["pairs"]))
