"""The acts that a day's events withdraw: deleted acts, and all acts of accounts that were deleted, taken down or deactivated.

The last account event of a day decides whether the account is gone at its end. An account that comes back on the same day keeps
all its acts of that day. What others did to the account stays.
"""

from collections.abc import Collection, Iterator, Sequence

import orjson
from backports import zstd

from jobs.sources import jetstream
from jobs.sources.live.recording import Recording
from jobs.sources.live.withdrawals import Withdrawals
from jobs.sources.page import Ignored, Record, Rejected, Undo
from jobs.sources.values import from_micros, within

GONE = ("deleted", "takendown", "deactivated")
_ACCOUNT = b'"kind":"account"'
_DELETE = b'"operation":"delete"'
_DID = len(b'{"did":"')  # a recorded event begins with its account


def accounts(stream: Recording) -> frozenset[bytes]:
    """The DIDs of the accounts that are gone at the end of a day's recorded events."""
    last: dict[bytes, tuple[int, bool]] = {}
    for line in lines_with(stream, _ACCOUNT):
        event = orjson.loads(line)
        is_gone = within(event, "account", "active") is False and within(event, "account", "status") in GONE
        did = _did(line)
        last[did] = max(last.get(did, (0, False)), (event.get("time_us", 0), is_gone))
    return frozenset(did for did, (_, is_gone) in last.items() if is_gone)


def withdrawals(stream: Recording) -> Withdrawals:
    """All acts that a day's recorded events withdraw, of any day."""
    acts: list[tuple[str, str]] = []
    for line in lines_with(stream, _DELETE):
        try:
            acts += [(each.activity_id, each.actor_id) for each in jetstream.parse(line) if isinstance(each, Undo)]
        except Rejected:
            continue  # the pull of the event's own day counts it as rejected
    return Withdrawals(acts, frozenset(did.decode() for did in accounts(stream)))


def parse(line: bytes, gone: Collection[bytes]) -> Sequence[Record]:
    """Like `jetstream.parse`, but ignores what these accounts did."""
    if _did(line) in gone:
        return (Ignored(from_micros(orjson.loads(line)["time_us"])),)
    return jetstream.parse(line)


def lines_with(stream: Recording, mark: bytes) -> Iterator[bytes]:
    """The recorded events that hold this text. Few do, so the others are not even split into lines."""
    for page in stream.pages:
        content = zstd.decompress(page.read_bytes())
        end = 0
        while (at := content.find(mark, end)) >= 0:
            end = content.index(b"\n", at)
            yield content[content.rfind(b"\n", 0, at) + 1 : end]


def _did(line: bytes) -> bytes:
    return line[_DID : line.find(b'"', _DID)]
