"""Commands that check, publish, withdraw and restore the scores of a day."""

from collections.abc import Mapping
from datetime import datetime

from jobs.cli.display import say
from jobs.cli.options import Accept, Day, Sample, Verbose, Version, Why, log, methodology_of, open_to_read


def checks(
    day: Day, accept: Accept = None, methodology: Version = None, sample: Sample = False, verbose: Verbose = False
) -> None:
    """Check a scored day; `clout publish` publishes only a day that passed."""
    from jobs import checks as job
    from jobs.night_settings import nights
    from jobs.nights import gate
    from jobs.warehouse.runs import Batch

    log(verbose)
    params = job.Params(
        day=day.date(),
        methodology=methodology_of(methodology, day.date()).version,
        gate_days=nights().gate_days,
        accept=accept,
    )
    results = job.run(open_to_read(sample), params, Batch(f"checks {day.date()} {params.methodology}"))
    for warning in gate.warnings(results):
        say(warning)
    say(f"checked {day.date()}: {len(results)} checks passed; next: `clout publish`")


def publish(
    day: Day, accept: Accept = None, methodology: Version = None, sample: Sample = False, verbose: Verbose = False
) -> None:
    """Make a checked day visible in `scores`."""
    _change_scores("run", "published", day, methodology, sample, verbose, accept=accept)


def unpublish(
    day: Day, why: Why = None, methodology: Version = None, sample: Sample = False, verbose: Verbose = False
) -> None:
    """Withdraw a published day from `scores`."""
    _change_scores("unpublish", "withdrew", day, methodology, sample, verbose, why)


def restore(
    day: Day, why: Why = None, methodology: Version = None, sample: Sample = False, verbose: Verbose = False
) -> None:
    """Restore what was published for a day before its newest change."""
    _change_scores("restore", "restored", day, methodology, sample, verbose, why)


def _change_scores(
    change: str,
    done: str,
    day: datetime,
    methodology: str | None,
    sample: bool,
    verbose: bool,
    why: str | None = None,
    accept: str | None = None,
) -> None:
    from jobs import publish as job
    from jobs.people.admission import decide
    from jobs.warehouse import publications
    from jobs.warehouse.runs import Batch

    log(verbose)
    params = job.Params(day=day.date(), methodology=methodology_of(methodology, day.date()), why=why, accept=accept)
    warehouse = open_to_read(sample)
    counts = getattr(job, change)(warehouse, params, Batch(f"{change} {params}"))
    current = publications.current(warehouse, params.methodology.version, params.day)
    for check, finding in (current.accepted or {} if current else {}).items():
        say(f"accepted: {check}: {finding}")
    say(f"{done} {params}: {counts['people']:,} people{_withheld(counts)}")
    say(decide(warehouse).label)


def _withheld(counts: Mapping[str, float]) -> str:
    withheld = counts.get("withheld", 0)
    return f"; {withheld:,} not published, because they did not agree" if withheld else ""
