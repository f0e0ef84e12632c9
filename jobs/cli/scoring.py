"""Commands that count the engagement of a day, score the day, and store why scores changed."""

from datetime import datetime
from typing import Annotated

import typer

from jobs.cli.display import say
from jobs.cli.options import DAY_FORMAT, Day, EngineName, Sample, Verbose, Version, log, methodology_of, open_to_read
from jobs.days import ONE_DAY
from jobs.engines import AUTO


def engagement(day: Day, methodology: Version = None, sample: Sample = False, verbose: Verbose = False) -> None:
    """Count a day's acts, and those of earlier days of its window that were pulled since they were counted."""
    from jobs import engagement as job
    from jobs.session import on_demand
    from jobs.warehouse.runs import Batch
    from jobs.warehouse.window import expired_days, row_count

    log(verbose)
    chosen, warehouse = methodology_of(methodology, day.date()), open_to_read(sample)
    params = job.Params(day=day.date(), first_day=chosen.first_day(day.date()))
    session = on_demand(rows=row_count(warehouse, chosen, [day.date()]))
    counted = job.run(session, warehouse, params, Batch(f"engagement {day.date()}"))
    say(f"counted {len(counted)} days: {', '.join(map(str, counted)) or 'none'}")
    if params.day not in counted and expired_days(warehouse, [params.day]):
        say(f"{params.day} keeps its earlier count: its acts have expired (`keep_activity_days`)")


def influence(
    day: Day, methodology: Version = None, engine: EngineName = AUTO, sample: Sample = False, verbose: Verbose = False
) -> None:
    """Score everybody at the end of a day; nothing is published yet."""
    from jobs import influence as job
    from jobs.engines import choice
    from jobs.session import on_demand
    from jobs.warehouse.runs import Batch
    from jobs.warehouse.window import row_count

    log(verbose)
    choice.require(engine)
    chosen = methodology_of(methodology, day.date())
    params = job.Params(day=day.date(), methodology=chosen)
    warehouse, batch = open_to_read(sample), Batch(f"influence {day.date()} {chosen.version}")
    session = on_demand(rows=row_count(warehouse, chosen, [day.date()]))
    counts = job.run(session, warehouse, params, batch, engine)
    say(f"scored {day.date()}: {counts['people']:,} people, {counts['pairs']:,} pairs; next: `clout checks`")


def score_changes(
    day: Day,
    since: Annotated[
        datetime | None, typer.Option("--since", help="The earlier UTC day; the day before if left out.", **DAY_FORMAT)
    ] = None,
    methodology: Version = None,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Write why everybody's score changed between two published days into `score_changes`."""
    from jobs import score_changes as job
    from jobs.warehouse.runs import Batch

    log(verbose)
    earlier = since or day - ONE_DAY
    params = job.Params(
        day=day.date(),
        methodology=methodology_of(methodology, day.date()),
        since_day=earlier.date(),
        since_methodology=methodology_of(methodology, earlier.date()),
    )
    batch = Batch(f"score_changes {day.date()} since {earlier.date()} {params.methodology.version}")
    counts = job.run(open_to_read(sample), params, batch)
    say(f"{counts['people']:,} people's change between {earlier.date()} and {day.date()} is in `score_changes`")
