"""A pulled day's row of `coverage`, or why the day has none."""

from collections.abc import Mapping
from typing import Any

from jobs.days import end_of
from jobs.errors import CloutError
from jobs.sources.page import Note
from jobs.sources.spool import Spool
from jobs.warehouse.runs import Run
from schemas.coverage import COMPLETE, PARTIAL


class PullError(CloutError):
    """A day that could not be pulled; rows of earlier pulls stay."""


class TooManyRejectsError(PullError):
    """The share of rejected lines exceeds `max_reject_share`."""


class AbsentDayError(PullError):
    """The source has no data of the day."""


class NotReachedError(AbsentDayError):
    """The source's files end before the day."""


def row(spooled: Spool, platform: str, item: Run, counts: Mapping[str, int]) -> dict[str, Any]:
    """A row of `coverage`, as column -> value. `counts` is from `spooled.counts`. Raises `AbsentDayError` if the source has no
    data of the day, and `NotReachedError` if its files end before the day."""
    source_id = item.parameters["source"]
    notes = spooled.notes.get((platform, item.day), [])
    if spooled.ends and spooled.ends < item.day and not any(note.absent for note in notes):
        raise NotReachedError(
            f"{source_id} {item.day}: not covered: the latest line read is from {spooled.ends}; nothing was pulled; request"
            " days up to then, or add later files"
        )
    if not counts["lines"] and not notes:
        notes = [Note("the source has no line of this day", partial=False)]
    if item.started_at < end_of(item.day):
        notes = [*notes, Note("it was pulled before it ended", partial=True)]
    missing = [note for note in notes if note.partial]
    if any(note.absent for note in notes):
        raise AbsentDayError(
            f"{source_id} {item.day}: {'; '.join(note.reason for note in notes)}; nothing pulled, the day stays as it was"
        )
    return {
        "day": item.day,
        "platform": platform,
        "source": source_id,
        "status": PARTIAL if missing else COMPLETE,
        "lasting": all(note.lasting for note in missing) if missing else None,
        "reason": "; ".join(dict.fromkeys(note.reason for note in notes)) or None,
        "act_count": counts["acts"],
        "repeated_count": counts["repeated"],
        "rejected_count": counts["rejected"],
        "unresolved_count": counts["unresolved"],
        "ignored_count": counts["ignored"],
        "pull": item.id,
        "activity_digest": spooled.activity_digest(platform, item.day),
        "accounts_digest": spooled.accounts_digest(platform, item.day),
    }


def check_share(name: str, max_reject_share: float, rejected: int, lines: int, reasons: list[tuple[str, int]]) -> None:
    """Raises `TooManyRejectsError` if more than this share of the lines was rejected. `reasons` are the commonest ones, with
    their counts."""
    if rejected > max_reject_share * lines:
        commonest = ", ".join(f"{reason} ({count:,})" for reason, count in reasons)
        raise TooManyRejectsError(
            f"{name}: {rejected:,} of {lines:,} lines rejected, expected at most {max_reject_share:.0%};"
            f" commonest: {commonest}. Rows pulled earlier are kept; see table `rejects`, fix the input and pull again"
        )
