"""The factors by which acts lose weight up to the end of a window. Acts age only on days on which their platform is covered."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import pyarrow as pa

from jobs.days import end_of_month, month_of
from schemas.methodology import Methodology


def decay_factors(
    days: Iterable[date], covered: Mapping[str, set[date]], last_day: date, methodology: Methodology
) -> list[tuple[date, str, float]]:
    """(day, platform, factor) for each covered day among `days`: the weight of an act of that day at the end of `last_day`,
    platform_weight * 2^(-age / half_life_days).

    `covered` maps platforms to covered days. Age counts the covered days of the platform after the act, up to `last_day`: acts
    do not age while no data can arrive. A day without coverage has no factor, so acts of a pull that never ended do not count.
    """
    among = set(days)
    return [
        (day, platform, methodology.platform_weight(platform) * 2.0 ** (-age / methodology.half_life_days))
        for platform, there in sorted(covered.items())
        for arrived in [sorted(there)]
        for day in arrived
        if day in among
        for age in [_count(arrived, day, last_day)]
    ]


def _count(ascending: Sequence[date], after: date, last_day: date) -> int:
    """How many of the ascending days are after a day, up to `last_day`."""
    return max(0, bisect_right(ascending, last_day) - bisect_right(ascending, after))


def decay_table(factors: Sequence[tuple[date, str, float]], of: str = "day") -> pa.Table:
    """The result of `decay_factors` as a table (day date, platform string, factor double). `of` names the first column."""
    day, platform, factor = zip(*factors, strict=True) if factors else ((), (), ())
    return pa.table(
        {
            of: pa.array(day, pa.date32()),
            "platform": pa.array(platform, pa.string()),
            "factor": pa.array(factor, pa.float64()),
        }
    )


class Fading(NamedTuple):
    """The factors by which weights fade up to the end of a window.

    With equations 1, `days` is the `decay_table`, and `months` has no rows. With equations 2, `days`, (day, platform, factor,
    month), fades acts to the end of their month, or of the window if it ends in the month; `months`, (month, platform, factor),
    fades the month's weights to the end of the window.
    """

    days: pa.Table
    months: pa.Table


def fading(days: Iterable[date], covered: Mapping[str, set[date]], last_day: date, methodology: Methodology) -> Fading:
    """The factors of each covered day among `days`, and of their months. Arguments are those of `decay_factors`.

    Both factors of equations 2 multiply to the factor of equations 1, but for rounding. The factor of a day depends on no day
    outside its month.
    """
    whole = decay_factors(days, covered, last_day, methodology)
    if methodology.equations == 1:
        return Fading(decay_table(whole), decay_table([], "month"))
    arrived = {platform: sorted(there) for platform, there in covered.items()}
    within, after = [], {}
    for day, platform, _ in whole:
        end = min(end_of_month(day), last_day)
        age, months_age = _count(arrived[platform], day, end), _count(arrived[platform], end, last_day)
        within.append((day, platform, 2.0 ** (-age / methodology.half_life_days)))
        weight = methodology.platform_weight(platform)
        after[month_of(day), platform] = weight * 2.0 ** (-months_age / methodology.half_life_days)
    months = [(month, platform, factor) for (month, platform), factor in sorted(after.items())]
    of_days = pa.array([month_of(day) for day, _, _ in within], pa.date32())
    return Fading(decay_table(within).append_column("month", of_days), decay_table(months, "month"))
