"""Prints the results of `jobs.cli.operator_queries` as tables, with notes on a row below that row."""

from collections.abc import Sequence
from datetime import date, datetime

from jobs.cli.display import print_table, say
from jobs.cli.operator_queries import MISSING, PARTIAL, Row
from jobs.days import ONE_DAY, spans
from jobs.labels import plain
from jobs.nights.gate import OK
from jobs.nights.readiness import DEAD_AFTER
from jobs.warehouse.publications import PUBLISH
from jobs.warehouse.runs import CHECKS, DONE, INFLUENCE, PULL_ACTIVITY, STARTED
from schemas.methodology import load
from schemas.versions import MethodologyError

COUNTS = {"acts": "act_count", "rejected": "rejected_count", "unresolved": "unresolved_count",
          "ignored": "ignored_count", "repeated": "repeated_count"}  # fmt: skip


def print_coverage(rows: Sequence[Row]) -> None:
    """Prints a line for each day, source and platform, and below it the reason, if any. Consecutive days that are missing for
    the same reason share one line."""
    if not rows:
        say("`coverage` has no row for this request")
        return
    joined = _joined(rows)
    cells = [
        [row["days"], plain(row["source"]), plain(row["platform"]), row["status"],
         *(plain(row[column]) for column in COUNTS.values())]
        for row in joined
    ]  # fmt: skip
    texts = ("day", "source", "platform", "status")
    notes = [[row["reason"]] if row["reason"] else [] for row in joined]
    print_table(f"Coverage of {_days(rows)}", (*texts, *COUNTS), cells, texts, ("status", "day", "source"), notes)
    faults = {status: sum(row["status"] == status for row in rows) for status in (MISSING, PARTIAL)}
    counted = [f"{count} {status}" for status, count in faults.items() if count]
    if counted:
        say(f"{', '.join(counted)}: infra/runbooks/late_or_missing_day.md")


def _joined(rows: Sequence[Row]) -> list[Row]:
    """The rows with two more columns: `days`, as text, and `last_day`. Consecutive days on which a source is missing for the
    same reason become one row."""
    joined: list[Row] = []
    last: dict[tuple[str, str], Row] = {}  # (source, reason) -> the row that the next day may extend
    for row in rows:
        key = (row["source"], row["reason"])
        before = last.get(key)
        if row["status"] == MISSING and before and row["day"] - before["last_day"] == ONE_DAY:
            before |= {"last_day": row["day"], "days": f"{before['day']}..{row['day']}"}
            continue
        joined.append(row | {"last_day": row["day"], "days": str(row["day"])})
        if row["status"] == MISSING:
            last[key] = joined[-1]
    return joined


def print_runs(rows: Sequence[Row], now: datetime) -> None:
    """Prints a line for each run and, below it, partial sources, uncovered days, failed checks, what was accepted, and
    errors."""
    cells = [
        [str(row["day"]), row["job"], row["status"], f"{row['started_at']:%m-%d %H:%M}", _took(row), _subject(row),
         _counted(row)]
        for row in rows
    ]  # fmt: skip
    if not rows:
        say("`runs` has no row for this request")
        return
    names = ("day", "job", "status", "started", "took", "of", "counts")
    texts = ("day", "job", "status", "started", "of", "counts")
    notes = [_run_notes(row, now) for row in rows]
    print_table(f"Runs of {_days(rows)}, times in UTC", names, cells, texts, ("status", "day", "job"), notes)


def print_reasons(rows: Sequence[Row]) -> None:
    """Prints a line for each reason and, below it, the first input line that was rejected for this reason."""
    _print_rejects(rows, [plain(row["line_count"]) for row in rows])


def print_rejected_lines(rows: Sequence[Row]) -> None:
    """Prints a line for each row of `rejects` and, below it, the reason and the excerpt."""
    _print_rejects(rows, ["1"] * len(rows))


def _print_rejects(rows: Sequence[Row], counts: Sequence[str]) -> None:
    if not rows:
        say("`rejects` has no row for this request")
        return
    cells = [
        [str(row["day"]), plain(row["source"]), row["outcome"], count] for row, count in zip(rows, counts, strict=True)
    ]
    notes = [[row["reason"], f"{row['file']}:{row['line']}  {row['excerpt']}"] for row in rows]
    texts = ("day", "source", "outcome")
    print_table(f"Rejects of {_days(rows)}", (*texts, "lines"), cells, texts, ("lines", "source", "day"), notes)
    say("excerpts are what people wrote: do not copy them into tickets")


def _days(rows: Sequence[Row]) -> str:
    first, last = min(row["day"] for row in rows), max(row["day"] for row in rows)
    return str(first) if first == last else f"{first}..{last}"


def _took(row: Row) -> str:
    if row["finished_at"] is None:
        return ""
    seconds = (row["finished_at"] - row["started_at"]).total_seconds()
    return (
        f"{seconds:.0f} s"
        if seconds < 60
        else f"{seconds / 60:.0f} min"
        if seconds < 3600
        else f"{seconds / 3600:.1f} h"
    )


def _subject(row: Row) -> str:
    """The source of a pull, or the methodology of another job; empty if the run has neither."""
    return plain(row["parameters"].get("source") or row["parameters"].get("methodology"))


def _counted(row: Row) -> str:
    """The counts `acts` and `people`, as far as the run recorded them."""
    counts = row["counts"] or {}
    return ", ".join(f"{counts[name]:,.0f} {name}" for name in ("acts", "people") if name in counts)


def _run_notes(row: Row, now: datetime) -> list[str]:
    """Notes on one run, one line each."""
    partial = row["partial_sources"]
    notes = []
    if (
        row["job"] == PULL_ACTIVITY
        and row["status"] == DONE
        and (reason := partial.get(row["parameters"].get("source")))
    ):
        notes.append(f"partial: {reason}")
    if row["job"] in (INFLUENCE, PUBLISH):
        notes += [f"partial source {source}: {reason}" for source, reason in sorted(partial.items())]
    notes += [f"not covered: {platform} {days}" for platform, days in _outages(row).items()]
    notes += [f"{name}: {result}" for name, result in (row["checks"] or {}).items() if result != OK]
    accepted = row["parameters"].get("accept")
    if accepted and row["job"] != CHECKS:  # the results of the checks already name what was accepted
        notes.append(f"accepted: {accepted}")
    if row["error"] and not (row["checks"] and row["job"] == CHECKS):
        notes.append(f"error: {row['error']}")
    if row["status"] == STARTED and now - row["started_at"] >= DEAD_AFTER:
        notes.append("no end was recorded: probably killed")
    return notes


def _outages(row: Row) -> dict[str, str]:
    """Platform -> uncovered days of the window, as text. Unless the whole window is uncovered, leaves out uncovered days at its
    beginning, because the platform may not have been pulled yet."""
    first_day = _first_day(row)
    outages = {}
    for platform, uncovered in (row["uncovered_days"] or {}).items():
        days = [date.fromisoformat(day) for day in uncovered]
        later = [day for number, day in enumerate(days) if first_day is None or (day - first_day).days != number]
        if later or row["day"] in days:
            outages[platform] = spans(later or days)
    return outages


def _first_day(row: Row) -> date | None:
    """The first day of the score's window; None if the run has no methodology, or one that this version of clout lacks."""
    try:
        return load(row["parameters"]["methodology"]).first_day(row["day"])
    except (KeyError, MethodologyError):
        return None
