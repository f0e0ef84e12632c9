"""Accounts that were deleted, taken down or deactivated on a day: their own events of that day are ignored.

The last account event of the day decides, so whoever comes back the same day keeps everything. What others did to the account
stays, and so do the account's rows of earlier days.
"""

from collections.abc import Collection, Sequence

import orjson
from backports import zstd

from jobs.sources import jetstream
from jobs.sources.page import Ignored, Record
from jobs.sources.recording import Recording
from jobs.sources.values import from_micros, within

GONE = ("deleted", "takendown", "deactivated")
_ACCOUNT_EVENT = b'"kind":"account"'
_DID = len(b'{"did":"')  # where the account stands: a recorded event begins with it


def of_day(stream: Recording) -> frozenset[bytes]:
    """The DIDs of the accounts that are gone at the end of a day's recorded events."""
    last: dict[bytes, tuple[int, bool]] = {}
    for page in stream.pages:
        content = zstd.decompress(page.read_bytes())
        if _ACCOUNT_EVENT not in content:
            continue
        for line in content.splitlines():
            if _ACCOUNT_EVENT in line:
                event = orjson.loads(line)
                is_gone = within(event, "account", "active") is False and within(event, "account", "status") in GONE
                did = _did(line)
                last[did] = max(last.get(did, (0, False)), (event.get("time_us", 0), is_gone))
    return frozenset(did for did, (_, is_gone) in last.items() if is_gone)


def parse(line: bytes, erased: Collection[bytes]) -> Sequence[Record]:
    """Like `jetstream.parse`, but ignores what erased accounts did."""
    if _did(line) in erased:
        return (Ignored(from_micros(orjson.loads(line)["time_us"])),)
    return jetstream.parse(line)


def _did(line: bytes) -> bytes:
    return line[_DID : line.find(b'"', _DID)]
