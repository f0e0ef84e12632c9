"""The benchmark as one HTML page: each figure with its limit, its peers and its history, and how figures grow with a graph.

The page needs no network and runs no script. It is deterministic: the same records give the same bytes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import charts
from charts import amount
from markupsafe import Markup
from records import IDLE, Record, histories, newest

from jobs.report import page


@dataclass(frozen=True)
class Line:
    """A figure as a row of the page's table. `before` is the record before it of the same machine, None if there is none."""

    record: Record
    before: Record | None

    @property
    def change(self) -> str:
        """How far the value is from the value before, in percent of it."""
        if self.before is None or not self.before.value:
            return ""
        return f"{self.record.value / self.before.value - 1:+.0%}"

    @property
    def peers(self) -> str:
        """The peers' values, and their ratio to this one: above 1 the peer needs more."""
        record, shown = self.record, []
        for name, value in record.peers.items():
            ratio = value / record.value if record.value else math.inf
            shown.append(f"{name} {amount(value, record.unit)} ({ratio:,.{1 if ratio >= 1 else 2}f} times)")
        return "; ".join(shown)


@dataclass(frozen=True)
class Chart:
    """A chart with its title, the sentence that replaces it for those who do not see it, and the records it shows."""

    title: str
    sentence: str
    svg: Markup
    records: Sequence[Record]


def html(records: Sequence[Record], run: Sequence[Record]) -> str:
    """The page of one run. `records` are ordered by day, as `records.parsed` returns them; `run` holds those of this run, which
    are newer than all of them. Figures that this run did not measure are shown as they were measured last."""
    every = [*records, *run]
    now = newest(every)
    last = every[-1]
    lines: dict[str, list[Line]] = {}
    for record in now:
        lines.setdefault(record.name, []).append(Line(record, _before(record, every)))
    return page.rendered(
        __name__, "bench.html", label=last.machine, last=last, headline=headline(now), sentences=[],
        lines=lines, limits=_limits(now), growth=list(_growth(now)), history=list(_history(every)), amount=amount,
        text_of=charts.text_of, verdict=charts.verdict, idle=IDLE,
    )  # fmt: skip


def headline(now: Sequence[Record]) -> str:
    """How many figures are within their limits, in one sentence."""
    judged = [record for record in now if record.is_judged]
    over = [record for record in judged if record.is_over]
    busy = sum(record.limit is not None and not record.is_judged for record in now)
    left = f"; {busy} not judged, because the machine was busy" if busy else ""
    return f"{len(judged) - len(over)} of {len(judged)} figures are within their limits{left}."


def _before(record: Record, every: Sequence[Record]) -> Record | None:
    same = [each for each in every if each.key == record.key and each.machine == record.machine]
    return same[-2] if len(same) > 1 else None


def _limits(now: Sequence[Record]) -> Markup | None:
    return Markup(charts.limits(now)) if any(record.limit for record in now) else None


def _growth(now: Sequence[Record]) -> Iterator[Chart]:
    """Yields a chart for each figure that was measured at several sizes."""
    sized = sorted(
        (record for record in now if record.size), key=lambda record: (record.name, record.what, record.size)
    )
    for (name, what), group in groupby(sized, key=lambda record: (record.name, record.what)):
        found = list(group)
        if len(found) > 1 and found[0].value:
            yield Chart(f"{name}: {what}", grown(found[0], found[-1]), Markup(charts.growth(found)), found)


def grown(small: Record, large: Record) -> str:
    """What the largest graph takes more than the smallest, in one sentence."""
    assert small.size
    assert large.size
    what = {"s": "time", "GB": "memory"}.get(large.unit, large.unit)
    return f"{large.size / small.size:.1f} times the pairs take {large.value / small.value:.1f} times the {what}."


def _history(every: Sequence[Record]) -> Iterator[Chart]:
    """Yields a chart for each figure that was measured more than once."""
    for found in histories(every).values():
        if len(found) > 1:
            first, last = found[0], found[-1]
            then, now = (amount(record.value, record.unit) for record in (first, last))
            sentence = f"{then} at {first.commit} on {first.day}, {now} at {last.commit} on {last.day}."
            yield Chart(f"{last.name}: {charts.text_of(last)}", sentence, Markup(charts.history(found)), found)
