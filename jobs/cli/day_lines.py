"""A line of output for each day that a command pulled or scored."""

import time
from typing import TYPE_CHECKING

from jobs.cli.display import say

if TYPE_CHECKING:
    from jobs.day_range import Refused, Scored
    from jobs.pull_activity import Pulled


class Watch:
    """Measures the seconds since its last reading."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def seconds(self) -> float:
        """Returns the seconds since the last call or, at the first call, since the watch was made."""
        now, before = time.monotonic(), self._last
        self._last = now
        return now - before


def say_scored(outcome: "Scored | Refused", watch: Watch) -> None:
    """Prints a line for a scored or refused day, and one for each warning of its checks."""
    from jobs.day_range import Refused  # loads the engines, which a pull does not need

    if isinstance(outcome, Refused):
        say(f"REFUSED {outcome.day}  not published; the reason is at the end  {watch.seconds():6.1f} s")
        return
    people, pairs = f"{outcome.people:>10,} people", f"{outcome.pairs:>10,} pairs"
    say(f"scored  {outcome.day}  {people}  {pairs}  {watch.seconds():6.1f} s")
    for warning in outcome.warnings:
        say(f"        {warning}")


def say_pulled(pulled: "Pulled", watch: Watch) -> None:
    """Prints a line for a day that was pulled or skipped."""
    if not pulled.covered:
        say(f"skipped {pulled.day}  {pulled.note}")
        return
    faults = [
        f"{count:,} {name}"
        for name, count in (
            ("rejected", pulled.rejected_count),
            ("unresolved", pulled.unresolved_count),
            ("ignored", pulled.ignored_count),
            ("repeated", pulled.repeated_count),
        )
        if count
    ]
    suffix = f"  ({', '.join(faults)})" if faults else ""
    note = f"  warning: {pulled.note}" if pulled.note else ""
    say(
        f"pulled  {pulled.day}  {pulled.act_count:>10,} acts    {pulled.source}  {watch.seconds():6.1f} s{suffix}{note}"
    )
