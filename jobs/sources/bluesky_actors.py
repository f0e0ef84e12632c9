"""A Jetstream connection that sends the events of some accounts only, and still shows how far the replay has come.

A server filters events of every kind by `wantedDids`, so a replay of quiet accounts looks like a dead connection: neither the
end of the day nor a gap at its beginning shows. So the stream begins without a filter. Its first event shows where the server
begins; then a message (`options_update`) sets the filter. After `PEEK_S` seconds of silence, another message lifts the filter
until the next event, which shows the position. While the filter is lifted, the events of the wanted accounts arrive too, so
none is lost.
"""

from collections.abc import Collection, Sequence

import orjson
from websockets.sync.client import ClientConnection

from jobs.errors import UsageError
from jobs.sources import jetstream

MOST_ACTORS = 10_000  # for one connection; the server refuses more
PEEK_S = 5


class ActorStream:
    """A connection, filtered by accounts. Messages about others may come, too."""

    def __init__(self, socket: ClientConnection, collections: Sequence[str], actors: Sequence[str]) -> None:
        self._socket = socket
        self._collections = collections
        self._actors = actors
        self._is_filtered = False

    def recv(self, timeout: float) -> str | bytes:
        """The next message. Raises `TimeoutError` if none comes although the filter is lifted."""
        if self._is_filtered:
            try:
                return self._socket.recv(timeout=PEEK_S)
            except TimeoutError:
                self._filter(())
        message = self._socket.recv(timeout=timeout)
        self._filter(self._actors)
        return message

    def _filter(self, actors: Sequence[str]) -> None:
        payload = {"wantedCollections": self._collections, "wantedDids": actors, "maxMessageSizeBytes": 0}
        self._socket.send(orjson.dumps({"type": "options_update", "payload": payload}).decode())
        self._is_filtered = bool(actors)


def refuse_others(actors: Collection[str]) -> None:
    """Raises `UsageError` if one of these is no DID, or if they are too many for one connection."""
    if len(actors) > MOST_ACTORS:
        raise UsageError(
            f"ask.actors: {len(actors):,} accounts, but a server filters by at most {MOST_ACTORS:,}; split them over several"
            " sources, or leave `actors` out to pull the whole network"
        )
    for actor in actors:
        if not jetstream.is_did(actor):
            raise UsageError(f"ask.actors: {actor[:100]!r} is no DID, such as did:web:example.org")
