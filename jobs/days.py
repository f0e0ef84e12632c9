"""UTC days: when one begins and ends, its month, and ranges of days."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

ONE_DAY = timedelta(days=1)


def start_of(day: date) -> datetime:
    """The midnight at which the day begins, in UTC."""
    return datetime.combine(day, time(), UTC)


def end_of(day: date) -> datetime:
    """The midnight at which the day ends, in UTC."""
    return start_of(day + ONE_DAY)


def month_of(day: date) -> date:
    """The first day of the day's month."""
    return day.replace(day=1)


def end_of_month(month: date) -> date:
    """The last day of a month, given one of its days."""
    return month_of(month_of(month) + 31 * ONE_DAY) - ONE_DAY


def days_between(first_day: date, last_day: date) -> list[date]:
    """All days from `first_day` to `last_day`, both included."""
    return [first_day + n * ONE_DAY for n in range((last_day - first_day).days + 1)]


def whole_months(first_day: date, last_day: date) -> list[date]:
    """The first days of the months that lie whole between these days, ascending."""
    months = sorted({month_of(day) for day in days_between(first_day, last_day)})
    return [month for month in months if first_day <= month and end_of_month(month) <= last_day]


def spans(days: Sequence[date]) -> str:
    """Ascending days as text; consecutive days are written as first..last."""
    ranges: list[list[date]] = []
    for day in days:
        if ranges and day - ranges[-1][-1] == ONE_DAY:
            ranges[-1] = [ranges[-1][0], day]
        else:
            ranges.append([day])
    return ",".join("..".join(map(str, span)) for span in ranges)
