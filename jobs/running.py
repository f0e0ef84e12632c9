"""`clout run` as people see it: the plan, a line a day, the ten highest scores, and what to do next."""

import shlex
import time
from collections.abc import Sequence
from datetime import date

from jobs import display, nightly, reading
from jobs.display import say
from jobs.pull_activity import Pulled, refuse_mixing
from jobs.sources.spec import SourceSpec
from jobs.storage import Warehouse
from schemas.kinds import is_simulated
from schemas.methodology import Methodology

TOP = 10


def run(
    root: str, sources: tuple[SourceSpec, ...], first_day: date, last_day: date, score_from: date,
    methodology: Methodology, *, max_reject_share: float, dry_run: bool,
) -> None:  # fmt: skip
    started = time.monotonic()
    watch = Watch()
    warehouse = Warehouse(root)
    opened = {spec: spec.open() for spec in sources}  # a file that is not there is told before anything is done
    params = nightly.Params(
        sources=sources, first_day=first_day, last_day=last_day, score_from=score_from, methodology=methodology,
        max_reject_share=max_reject_share,
    )  # fmt: skip
    planned = nightly.plan(warehouse, params)
    if dry_run:
        _say_plan(warehouse, params, planned, {spec: source.platforms for spec, source in opened.items()})
        return
    warehouse.create_tables()
    for source in opened.values():
        refuse_mixing(warehouse, source)
    simulated = any(is_simulated(platform) for source in opened.values() for platform in source.platforms)
    if simulated:
        say(display.SIMULATED)
    if planned.resumed:
        say(
            f"going on where the same command stopped: {len(planned.scores)} of {len(params.scored_days)} days left to score"
        )
    with display.progress() as bar:
        nightly.pull(
            warehouse, params, planned, lambda count: bar.show(f"pulling, {count:,} lines read"),
            on_day=lambda pulled: say_pulled(pulled, watch),
        )  # fmt: skip
        total = len(planned.scores)
        bar.show("starting Spark, counting engagement", 0, total)
        for number, scored in enumerate(nightly.score(warehouse, params, planned, _engine()), 1):
            say(
                f"scored  {scored.day}  {scored.people:>10,} people  {scored.pairs:>10,} pairs  {watch.seconds():6.1f} s"
            )
            bar.show("scoring", number, total)
    display.print_top(reading.top(warehouse, last_day, methodology.version, TOP), last_day, methodology.version)
    say(
        f"\n{len(params.pulled_days)} days pulled, {len(params.scored_days)} scored, in {time.monotonic() - started:.0f} s."
    )
    _say_next(warehouse, last_day, simulated)


class Watch:
    """Seconds since it was last looked at."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def seconds(self) -> float:
        now, before = time.monotonic(), self._last
        self._last = now
        return now - before


def say_pulled(pulled: Pulled, watch: Watch) -> None:
    """A line for a day that is there."""
    faults = [
        f"{count:,} {name}"
        for name, count in (
            ("rejected", pulled.rejected_count),
            ("unresolved", pulled.unresolved_count),
            ("ignored", pulled.ignored_count),
        )
        if count
    ]
    told = f"  ({', '.join(faults)})" if faults else ""
    note = f"  {pulled.note}" if pulled.note else ""
    say(f"pulled  {pulled.day}  {pulled.act_count:>10,} acts    {pulled.source}  {watch.seconds():6.1f} s{told}{note}")


def _engine():
    from jobs.engines.memory import MemoryEngine

    return MemoryEngine()


def _say_plan(
    warehouse: Warehouse, params: nightly.Params, planned: nightly.Plan, platforms: dict[SourceSpec, Sequence[str]]
) -> None:
    say(f"warehouse {warehouse.root}{'' if warehouse.exists() else ' (would be created)'}")
    if planned.resumed:
        say("the same command stopped before its end; it would go on there:")
    for spec, days in planned.pulls.items():
        say(f"read    {', '.join(spec.arguments)}")
        for day in days:
            for platform in platforms[spec]:
                say(f"replace rejects, accounts, activity, coverage: platform={platform} day={day} source={spec.id}")
    version = params.methodology.version
    if planned.scores:
        first = params.methodology.first_day(planned.scores[0])
        say(f"read    activity: the days of {first}..{params.last_day} that were pulled since they were counted")
        say(f"replace engagement: those days, and {params.last_day}")
    for day in planned.scores:
        say(f"read    engagement {params.methodology.first_day(day)}..{day}")
        say(f"replace influence, scores: methodology={version} day={day}")
    say("nothing was done (--dry-run)")


def _say_next(warehouse: Warehouse, day: date, simulated: bool) -> None:
    root = shlex.quote(warehouse.root)
    option = " --sample" if simulated else ""
    say(f"""
The tables are in {root} (Delta; README: "Reading the scores").
  the top of a day      .venv/bin/clout show --day {day}{option}
  one person's history  .venv/bin/clout show PERSON_ID{option}
  a plain file          .venv/bin/clout export --day {day} --to scores.parquet{option}
  from Python           .venv/bin/python -c "import duckdb; from deltalake import DeltaTable; \\
                          scores = DeltaTable('{warehouse.root}/scores').to_pyarrow_dataset(); \\
                          print(duckdb.sql('select * from scores order by day desc, rank limit 20'))"
Real data:              bash infra/run.sh --source higgs=PATH --first-day 2012-07-01 --last-day 2012-07-07
Airflow, every night:   bash infra/up.sh""")
