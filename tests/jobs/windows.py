"""Random acts on covered days, and what they weigh in a window."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations
from typing import Literal

from hypothesis import strategies as st

from jobs.score.fading import fading
from tests.jobs.equations import Pair, fixed, shares, term
from tests.jobs.world import OFFICIAL

FIRST = date(2026, 1, 20)  # so that the days lie in two months
days = st.integers(0, 20).map(lambda n: FIRST + timedelta(n))
pairs = st.sampled_from(list(permutations("abcd", 2)))
Acts = Mapping[tuple[date, str, Pair], int]


@st.composite
def covered_acts(draw: st.DrawFn) -> tuple[Acts, dict[str, set[date]]]:
    """(day, platform, pair) -> likes of that day, and the days on which each platform's acts could arrive."""
    covered = {platform: draw(st.sets(days, min_size=1)) for platform in ("x", "y")}
    possible = [(day, platform) for platform, there in covered.items() for day in sorted(there)]
    drawn = draw(st.dictionaries(st.tuples(st.sampled_from(possible), pairs), st.integers(1, 50), min_size=1))
    return {(*place, pair): count for (place, pair), count in drawn.items()}, covered


def window_shares(
    acts: Acts, covered: dict[str, set[date]], day: date, lookback_days: int, equations: Literal[1, 2] = 1
) -> dict[Pair, int]:
    """Shares at the end of a day."""
    weights = window_weights(acts, covered, day, lookback_days, equations)
    return shares(weights, {}, OFFICIAL.damping, OFFICIAL.rest_weight)


def window_weights(
    acts: Acts, covered: dict[str, set[date]], day: date, lookback_days: int, equations: Literal[1, 2]
) -> dict[Pair, int]:
    """W at the end of a day, with the jobs' own ageing."""
    methodology = replace(OFFICIAL, lookback_days=lookback_days, equations=equations)
    window = [methodology.first_day(day) + timedelta(n) for n in range(lookback_days)]
    in_window = {platform: there & set(window) for platform, there in covered.items()}
    factors = fading(window, in_window, day, methodology)
    of_days = {(row["day"], row["platform"]): row["factor"] for row in factors.days.to_pylist()}
    terms = {
        (on, platform, pair): term({"like": count}, OFFICIAL.kind_weights, of_days[on, platform])
        for (on, platform, pair), count in acts.items()
        if (on, platform) in of_days
    }
    if equations == 2:
        months: dict[tuple[date, str, Pair], int] = {}
        for (on, platform, pair), added in terms.items():
            place = (on.replace(day=1), platform, pair)
            months[place] = months.get(place, 0) + added
        of_months = {(row["month"], row["platform"]): row["factor"] for row in factors.months.to_pylist()}
        terms = {place: fixed(of_months[place[:2]] * (weight * 2.0**-36)) for place, weight in months.items()}
    weights: dict[Pair, int] = {}
    for (*_, pair), added in terms.items():
        weights[pair] = weights.get(pair, 0) + added
    return weights
