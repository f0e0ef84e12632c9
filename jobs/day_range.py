"""Runs a range of days, as `clout run` does: pulls every day, counts every day, then scores day by day.

All days share one Spark session. An interrupted range resumes at the first step that is not done. Days are scored and checked
in ascending order, because the checks compare each day with the days published before it. If the checks refuse a day, later
days are still scored.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from jobs import checks, engagement, influence, publish, pull_activity
from jobs.days import days_between
from jobs.engines import AUTO
from jobs.errors import CloutError
from jobs.nights import gate
from jobs.session import on_demand
from jobs.sources.spec import SourceSpec
from jobs.warehouse import runs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import row_count
from schemas.methodology import Methodology, load
from schemas.versions import official

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True, kw_only=True)
class Params:
    """The range to run: sources are pulled for first_day..last_day, and days from `score_from` on are scored, each under
    `methodology` or, if that is None, under the official one of the day."""

    sources: tuple[SourceSpec, ...]
    first_day: date
    last_day: date
    score_from: date
    methodology: Methodology | None = None
    max_reject_share: float = pull_activity.MAX_REJECT_SHARE
    engine: str = AUTO
    gate_days: int = 7

    @property
    def pulled_days(self) -> list[date]:
        """The days to pull, ascending."""
        return days_between(self.first_day, self.last_day)

    @property
    def scored_days(self) -> list[date]:
        """The days to score, ascending."""
        return days_between(self.score_from, self.last_day)

    def methodology_of(self, day: date) -> Methodology:
        """The methodology under which the day is scored. Raises `MethodologyError` if none is official."""
        return self.methodology or load(official(day))

    def by_methodology(self, days: Iterable[date]) -> list[tuple[Methodology, list[date]]]:
        """Each methodology with those of the ascending days that are scored under it."""
        found = (list(of) for _, of in groupby(days, lambda day: self.methodology_of(day).version))
        return [(self.methodology_of(of[0]), of) for of in found]

    @property
    def key(self) -> str:
        """A digest of the range, the sources and the methodology. Other parameters, such as the engine, do not change it."""
        identity = [
            [argument for spec in self.sources for argument in spec.arguments],
            [str(self.first_day), str(self.last_day), str(self.score_from)],
            ",".join(methodology.version for methodology, _ in self.by_methodology(self.scored_days)),
        ]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()


@dataclass(frozen=True)
class Scored:
    """One published day: the number of people and of pairs, and the warnings of its checks."""

    day: date
    people: int
    pairs: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """One day that was scored but not published, because a check failed. `why` is that check's message."""

    day: date
    why: str


class RefusedDaysError(CloutError):
    """The checks refused some days of a range; all others are done."""

    def __init__(self, refused: Sequence[Refused], day_count: int) -> None:
        super().__init__(
            "\n".join([f"checks refused {len(refused)} of {day_count} days:", *(each.why for each in refused)])
        )


@dataclass(frozen=True)
class Plan:
    """The steps of a range that are left to do. `resumed`: an earlier run has done some steps already."""

    batch: Batch
    pulls: dict[SourceSpec, list[date]]
    scores: list[date]
    resumed: bool


def plan(warehouse: Warehouse, params: Params) -> Plan:
    """The steps that the newest run of the same range, sources and methodology did not finish; all steps if it finished."""
    batch, done = (
        runs.done_steps(warehouse, params.key, params.first_day, params.last_day)
        if warehouse.exists()
        else (Batch(params.key), set())
    )
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
    """Pulls the days that are left, source by source; each source streams its files once."""
    for spec, days in planned.pulls.items():
        if days:
            of_source = pull_activity.Params(
                source=spec,
                first_day=params.first_day,
                last_day=params.last_day,
                skip=frozenset(params.pulled_days) - frozenset(days),
                max_reject_share=params.max_reject_share,
            )
            pull_activity.run(warehouse, of_source, planned.batch, on_lines, on_day)


def score(warehouse: Warehouse, params: Params, planned: Plan) -> Iterator[Scored | Refused]:
    """Counts all days that the windows need at once, then scores, checks and publishes day by day. Yields the outcome of each
    day."""
    if not planned.scores:
        return
    scoring = params.by_methodology(planned.scores)
    session = on_demand(rows=sum(row_count(warehouse, methodology, days) for methodology, days in scoring))
    first_day = min(methodology.first_day(days[0]) for methodology, days in scoring)
    engagement.run(session, warehouse, engagement.Params(day=planned.scores[-1], first_day=first_day), planned.batch)
    for methodology, days in scoring:
        for day in days:
            yield score_day(session, warehouse, day, methodology, planned.batch, params.gate_days, params.engine)


def score_day(
    session: "Callable[[], SparkSession]",
    warehouse: Warehouse,
    day: date,
    methodology: Methodology,
    batch: Batch,
    gate_days: int,
    engine: str = AUTO,
) -> Scored | Refused:
    """Scores, checks and publishes a day whose window is counted."""
    counts = influence.run(session, warehouse, influence.Params(day=day, methodology=methodology), batch, engine)
    to_check = checks.Params(day=day, methodology=methodology.version, gate_days=gate_days)
    try:
        results = checks.run(warehouse, to_check, batch)
    except checks.CheckError as error:
        return Refused(day, str(error))
    publish.run(warehouse, publish.Params(day=day, methodology=methodology), batch)
    return Scored(day, int(counts["people"]), int(counts["pairs"]), tuple(gate.warnings(results)))
