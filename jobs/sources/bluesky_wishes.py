"""Who asks not to be shown to people without a login, by the self-label `!no-unauthenticated` of their profile.

Jetstream reports a profile only when it changes. So a day starts with the accounts that the newest earlier day knew, and an
account's last profile of the day decides. Once a day is recorded whole, a file keeps the result, because recordings are removed
later.
"""

from collections.abc import Sequence
from pathlib import Path

import orjson

from jobs.files import appearing
from jobs.sources import bluesky_deletions, jetstream
from jobs.sources.live.recording import Recording
from jobs.sources.page import Note
from jobs.sources.values import within

LABEL = "!no-unauthenticated"
UNWILLING = "ask not to be shown to people without a login"
FILE = "unwilling.txt"  # one DID a line
_PROFILE = b'"collection":"%s"' % jetstream.PROFILE.encode()


def before(folder: Path) -> frozenset[str]:
    """The accounts that asked not to be shown, by the file of the newest day before the folder's day that has one."""
    earlier = [path for path in folder.parent.glob(f"*/{FILE}") if path.parent.name < folder.name]
    return _read(max(earlier)) if earlier else frozenset()


def unwilling(stream: Recording) -> frozenset[str]:
    """The accounts that ask not to be shown at the end of a day's recorded events."""
    kept = stream.folder / FILE
    if kept.exists():
        return _read(kept)
    last: dict[str, tuple[int, bool]] = {}
    for line in bluesky_deletions.lines_with(stream, _PROFILE):
        event = orjson.loads(line)
        did = str(event.get("did"))
        if jetstream.is_did(did) and within(event, "commit", "rkey") == "self":
            asks = LABEL in jetstream.self_labels(within(event, "commit", "record"))
            last[did] = max(last.get(did, (0, False)), (event["time_us"], asks))
    return (before(stream.folder) - last.keys()) | {did for did, (_, asks) in last.items() if asks}


def keep(stream: Recording) -> frozenset[str]:
    """Keeps and returns the accounts that ask not to be shown at the end of a day that is recorded whole."""
    found = unwilling(stream)
    with appearing(stream.folder / FILE) as part:
        part.write_text("".join(f"{did}\n" for did in sorted(found)))
    return found


def is_act_of(event: dict[str, object], accounts: frozenset[str]) -> bool:
    """Whether the event is an act of one of these accounts, not a profile or a delete."""
    if not accounts or str(event.get("did")) not in accounts:
        return False
    commit = event.get("commit")
    return within(commit, "operation") != "delete" and within(commit, "collection") in jetstream.COLLECTIONS


def notes(accounts: frozenset[str], actors: Sequence[str] | None) -> list[Note]:
    """The note on how many accounts ask not to be shown, among `actors` or in the whole network. No note if none does."""
    count = len(accounts if actors is None else accounts.intersection(actors))
    if not count:
        return []
    if actors is None:
        return [Note(f"{count:,} accounts {UNWILLING}, and are left out", partial=False)]
    return [Note(f"{count:,} of {len(actors):,} accounts: {UNWILLING}", partial=True, lasting=True)]


def _read(path: Path) -> frozenset[str]:
    return frozenset(path.read_text().split())
