"""higgs: SNAP's higgs-twitter activity, one action per line: `actor target unix_seconds RT|MT|RE`, plain or compressed.

https://snap.stanford.edu/data/higgs-twitter.html (De Domenico et al., Sci. Rep. 3:2980, 2013). The file has no ids of acts, so
ids are derived from actor, target and second. It repeats every reply as a mention in the same second; both get the same id.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from jobs.sources.files import existing
from jobs.sources.lines import pages
from jobs.sources.page import Act, Page, Record, Rejected
from jobs.sources.values import derived_id, from_seconds

KINDS = {b"RT": "reshare", b"MT": "mention", b"RE": "reply"}
PLATFORM = "twitter"


def parse(line: bytes) -> Sequence[Record]:
    """One line -> one act."""
    parts = line.split()
    if len(parts) != 4:
        raise Rejected("expected four fields: actor target unix_seconds kind")
    occurred_at = from_seconds(parts[2])
    kind = KINDS.get(parts[3])
    if kind is None:
        raise Rejected("kind is none of RT, MT, RE", occurred_at)
    if not (parts[0].isdigit() and parts[1].isdigit()):
        raise Rejected("actor or target is not a number", occurred_at)
    actor, target = parts[0].decode(), parts[1].decode()
    return (Act(kind, actor, target, occurred_at, derived_id(actor, target, occurred_at)),)


class HiggsSource:
    """Files of SNAP's temporal activity."""

    platforms = (PLATFORM,)

    def __init__(self, source_id: str, places: Sequence[str]) -> None:
        self.files = existing(places, (".txt", ".txt.gz"))

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Yields the pages of all files, each read once, whatever days they hold."""
        return pages(PLATFORM, self.files, parse)
