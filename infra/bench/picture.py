"""Draws kept figures as `infra/bench.svg`, which README shows. Run it after a change of `charts`."""

from collections.abc import Sequence

import charts
import records
from here import PICTURE
from records import Record


def drawn(kept: Sequence[Record]) -> str:
    """The picture: of each benchmark the figure that is nearest to its limit, or furthest past it, by its newest record that
    can be judged. The picture is white, because it cannot follow a reader's choice of a dark page."""
    nearest: dict[str, Record] = {}
    for record in records.newest(each for each in kept if each.is_judged):
        if record.share > (nearest[record.name].share if record.name in nearest else 0.0):
            nearest[record.name] = record
    return charts.limits([*nearest.values()], background="white")


def write() -> None:
    """Draws what `history.jsonl` holds."""
    PICTURE.write_text(drawn(records.read(records.HISTORY)), encoding="utf-8")


if __name__ == "__main__":
    write()
