"""Measures the pipeline against its limits: set-up, pulls, scores, explanations, tests.

Each figure has a process of its own. `day` and `explain` share the warehouse of `week`; each other figure has its own.
"""

import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow.compute as pc
from grounds import REASON
from measuring import HIGGS, Command
from records import Measured
from rich.table import Table

from jobs.warehouse.runs import DONE
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.engagement import ENGAGEMENT
from schemas.kinds import INTERACTIONS
from schemas.runs import RUNS
from schemas.scores import SCORES

WEEK = [date(2012, 7, 1) + timedelta(days=n) for n in range(7)]
ENGAGEMENT_PART = ": engagement"  # of a figure: how long the job took
CLOUT = str(Path(sys.prefix) / "bin" / "clout")

# The job `jobs.engagement` as one query. It counts an act once, as its most specific kind, and counts posts separately.
ENGAGEMENT_SQL = f"""
    create or replace table counted as
    with acts as (
        select day, platform, actor_id, target_id, activity_id, min(list_position({list(INTERACTIONS)}, kind)) as place
        from activity where kind <> 'post' and actor_id <> target_id
        group by day, platform, actor_id, target_id, activity_id
        union all
        select distinct day, platform, actor_id, actor_id, activity_id, {len(INTERACTIONS) + 1} from activity
        where kind = 'post'
    )
    select day, platform || ':' || actor_id as src, platform || ':' || target_id as dst, platform,
        {[*INTERACTIONS, "post"]}[place] as kind, count(*) as act_count
    from acts group by all
"""


@dataclass
class Figure:
    """One figure. `engagement_s` is the time that job `engagement` takes to count some days, `duckdb_s` the time that one query
    in DuckDB takes for the same days."""

    name: str
    what: str
    limit_s: float
    measured_s: float | None = None
    processor_s: float | None = None
    peak_gb: float | None = None
    limit_gb: float | None = None
    engagement_s: float | None = None
    duckdb_s: float | None = None
    lines: list[tuple[float, str]] = field(default_factory=list)  # each with the seconds after the start
    note: str = ""

    def take(self, ran: Command, seconds: float | None = None) -> None:
        """Takes time, memory and lines from the command. `seconds` replaces its time if the figure measures only a part of
        it; the processor time is then unknown."""
        self.measured_s, self.peak_gb, self.lines = seconds or ran.seconds, ran.peak_gb, ran.lines
        self.processor_s = None if seconds else ran.processor_s


def beside(figure: Figure, root: str, days: list[date]) -> None:
    """Measures how long the job takes to count the engagement of these days, and how long DuckDB takes. Adds a note to the
    figure if their rows differ."""
    warehouse = Warehouse(root)
    newest = {
        row["day"]: (row["started_at"], row["finished_at"])
        for row in warehouse.read(RUNS).sort_by("started_at").to_pylist()
        if row["job"] == "engagement" and row["status"] == DONE and row["day"] in days
    }  # one run of the job counts all days of a command, so its time is from the first start to the last end
    starts, ends = zip(*newest.values(), strict=True)
    figure.engagement_s = (max(ends) - min(starts)).total_seconds()
    files = warehouse.delta(ACTIVITY).file_uris(file_pruning_predicate=[("day", "in", days)])
    with duckdb.connect(config={"threads": os.cpu_count() or 1}) as db:
        began = time.monotonic()
        db.read_parquet(files, hive_partitioning=True).create_view("activity")
        db.execute(ENGAGEMENT_SQL)
        figure.duckdb_s = time.monotonic() - began
        db.register("engagement", warehouse.read(ENGAGEMENT, {"day": tuple(days)}))
        columns = ", ".join(ENGAGEMENT.column_names)
        both = [f"select {columns} from {name}" for name in ("engagement", "counted")]
        differing = db.sql(f"({both[0]} except {both[1]}) union all ({both[1]} except {both[0]})").fetchall()
    if differing:
        figure.note = f"{len(differing)} rows differ between the job and the query"


def _week_and_day(wanted: Sequence[str]) -> Iterator[Figure]:
    """Runs the week, then scores days again and explains a score in its warehouse. Yields the wanted figures; without Higgs
    they have only a note."""
    week = Figure("week", "seven days of Higgs, from file to scores", 45, limit_gb=6)
    first = Figure("day", "one day of Higgs, in a new process", 25)
    further = Figure("day", "each further day of Higgs in the same process", 4)
    why = Figure("explain", "one person's score of a Higgs day, `clout explain`", 20)
    figures = [figure for figure in (week, first, further, why) if figure.name in wanted]
    if not HIGGS.exists():
        for figure in figures:
            figure.note = f"skipped: no {HIGGS} (CLOUT_TEST_DATA)"
    elif figures:
        with TemporaryDirectory() as folder:
            options = ("--source", f"higgs={HIGGS}", "--first-day", str(WEEK[0]), "--last-day", str(WEEK[-1]))
            week_run = Command(CLOUT, "run", *options, "--everybody", REASON, CLOUT_WAREHOUSE=folder)
            week.take(week_run)
            beside(week, folder, WEEK)
            if "day" in wanted:
                scored = Command(sys.executable, __file__, folder, *map(str, WEEK[-3:]))
                at = [second for second, line in scored.lines if line.startswith("scored")]
                longest = max(at[1] - at[0], at[2] - at[1])
                for figure, day, seconds in ((first, WEEK[-3], at[0]), (further, WEEK[-1], longest)):
                    figure.take(scored, seconds)
                    beside(figure, folder, [day])
            if "explain" in wanted:
                why.take(explained(folder, WEEK[-1]))
    yield from figures


def explained(root: str, day: date) -> Command:
    """Runs `clout explain` for the person of rank 1, whose score takes the most work to explain."""
    highest = Warehouse(root).read(SCORES, {"day": day}, columns=["person_id"], where=pc.field("rank") == 1)
    return Command(CLOUT, "explain", highest["person_id"][0].as_py(), "--day", str(day), CLOUT_WAREHOUSE=root)


def score(root: str, days: list[date]) -> None:
    """Counts, scores and publishes days that were already pulled, one after the other in this process, and prints a line for
    each."""
    from jobs import day_range
    from jobs.warehouse.runs import Batch
    from schemas.methodology import load
    from schemas.versions import official

    for day in days:
        chosen = load(official(day))
        params = day_range.Params(sources=(), first_day=day, last_day=day, score_from=day, methodology=chosen)
        plan = day_range.Plan(Batch(f"bench {day}"), {}, [day], False)
        for scored in day_range.score(Warehouse(root), params, plan):
            print("scored", scored.day, flush=True)


def _one(name: str) -> Figure:
    """The figure of one command of `COMMANDS`. If it has an environment variable, the variable names an empty folder."""
    what, limit_s, arguments, variable = COMMANDS[name]
    figure = Figure(name, what, limit_s)
    with TemporaryDirectory() as folder:
        figure.take(Command(*arguments, **({variable: folder} if variable else {})))
        if variable == "CLOUT_WAREHOUSE":
            days = {date.fromisoformat(partition["day"]) for partition in Warehouse(folder).partitions(ACTIVITY)}
            beside(figure, folder, sorted(days))
    return figure


COMMANDS: dict[str, tuple[str, float, tuple[str, ...], str | None]] = {
    "sample": ("the simulation: `clout run` without arguments", 45, (CLOUT, "run"), "CLOUT_WAREHOUSE"),
    "ready": ("set-up when nothing is missing", 3, ("bash", "infra/setup.sh"), None),
    "tests": ("lint, types and all tests, after set-up", 720, ("bash", "infra/test.sh", "-q"), None),
    "setup": ("set-up from nothing", 240, ("bash", "infra/setup.sh"), "CLOUT_VENV"),
}
NAMES = ("week", "day", "explain", *COMMANDS)


def figures(wanted: Sequence[str]) -> Iterator[Figure]:
    """Yields the wanted figures: first those of the week's warehouse, then one per wanted command of `COMMANDS`."""
    yield from _week_and_day(wanted)
    yield from (_one(name) for name in COMMANDS if name in wanted)


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields what each figure has of: its time, processor time and peak memory, and how long the job `engagement` took, with
    DuckDB as its peer."""
    for figure in figures:
        values = (
            ("", "s", figure.measured_s, figure.limit_s),
            (": processor time", "s", figure.processor_s, None),
            (": peak memory", "GB", figure.peak_gb, figure.limit_gb),
            (ENGAGEMENT_PART, "s", figure.engagement_s, None),
        )
        for part, unit, value, limit in values:
            if value is not None:
                what = f"{figure.what}{part}"
                peers = {"DuckDB": figure.duckdb_s} if part == ENGAGEMENT_PART and figure.duckdb_s else {}
                yield Measured(name=figure.name, what=what, value=value, unit=unit, limit=limit, peers=peers)


def table(figures: list[Figure]) -> Table:
    """A row per figure, with its limit. The last column holds its note, or says that it exceeds the limit."""
    shown = Table()
    for name in ("figure", "limit", "measured", "peak memory", "engagement: here", "in DuckDB", ""):
        shown.add_column(name, justify="left" if name in ("figure", "") else "right", overflow="fold")
    for figure in figures:
        limit = f"{figure.limit_s:g} s" + (f", {figure.limit_gb:g} GB" if figure.limit_gb else "")
        over = (figure.measured_s or 0) > figure.limit_s or (figure.peak_gb or 0) > (figure.limit_gb or math.inf)
        seconds = [f"{s:.2f} s" if s else "" for s in (figure.measured_s, figure.engagement_s, figure.duckdb_s)]
        memory = f"{figure.peak_gb:.2f} GB" if figure.peak_gb else ""
        note = figure.note or ("over the limit" if over else "")
        shown.add_row(figure.what, limit, seconds[0], memory, *seconds[1:], note)
    return shown


if __name__ == "__main__":  # a process that scores days
    score(sys.argv[1], [date.fromisoformat(day) for day in sys.argv[2:]])
