"""A Jetstream server on loopback with a memory of made events: one every three minutes of a day, and some around it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from jobs.sources.bluesky import BlueskySource
from jobs.sources.live.budget import Budget
from jobs.sources.live.settings import Limits, Settings
from jobs.sources.page import DAY_US, Note
from tests.jobs.sources.site_server import Clock

DAY = date(2026, 11, 3)
BEGIN = (DAY - date(1970, 1, 1)).days * DAY_US
STEP = DAY_US // 480
LATER = (BEGIN + 2 * DAY_US) / 1e6  # the server's clock, a day after the day's end
TEXT = "what I wrote"


def event(number: int) -> dict[str, Any]:
    """The number-th event since the day's start; below 0 is the day before."""
    record: dict[str, Any] = {"text": TEXT, "createdAt": "2020-01-01T00:00:00Z"}
    match number % 4:
        case 0:
            collection, record = (
                "app.bsky.feed.like",
                record | {"subject": {"uri": "at://did:plc:bo/app.bsky.feed.post/1"}},
            )
        case 1:
            reply = {"parent": {"uri": "at://did:plc:cy/app.bsky.feed.post/1", "cid": "x"}, "root": {"uri": "at://x"}}
            collection, record = "app.bsky.feed.post", record | {"reply": reply, "langs": ["en"]}
        case 2:
            facets = [{"features": [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:dee"}], "index": {}}]
            embed = {"$type": "app.bsky.embed.record", "record": {"uri": "at://did:plc:eve/app.bsky.feed.post/1"}}
            collection, record = "app.bsky.feed.post", record | {"facets": facets, "embed": embed, "tags": [TEXT]}
        case _:
            collection, record = "app.bsky.graph.follow", record | {"subject": "did:plc:bo"}
    commit = {
        "operation": "create",
        "collection": collection,
        "rkey": f"k{number}",
        "record": record,
        "rev": "r",
        "cid": "c",
    }
    return {"did": f"did:plc:u{number % 7}", "time_us": BEGIN + number * STEP + 1, "kind": "commit", "commit": commit}


EVENTS = range(-50, 600)
WHOLE = {number for number in EVENTS if 0 <= number < 480}


class Jetstream:
    """A server's memory. `serve_from` may be replaced; `asked` holds the cursor of each connection. `drop_after`: the number of
    events after which each connection breaks off. `refusals`: answers to the next handshakes. `tokens` and `agents`: what each
    handshake had."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.queries: list[dict[str, list[str]]] = []
        self.clock = LATER
        self.drop_after: int | None = None
        self.refusals: list[Response] = []
        self.tokens: list[str | None] = []
        self.agents: list[str | None] = []
        self.memory_begins = BEGIN - 40 * STEP
        self.serve_from: Callable[[ServerConnection, int], None] = self.everything
        self.url = ""

    def messages(self, cursor: int) -> Iterator[str]:
        for number in EVENTS:
            made = event(number)
            if made["time_us"] >= max(cursor, self.memory_begins):
                yield json.dumps(made)

    def everything(self, socket: ServerConnection, cursor: int) -> None:
        for number, message in enumerate(self.messages(cursor)):
            if number == self.drop_after:
                socket.close_socket()
                return
            socket.send(message)
        socket.recv()  # the tip: silence until the client goes

    def handle(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        query = parse_qs(urlsplit(socket.request.path).query)
        self.queries.append(query)
        self.asked.append(int(query["cursor"][0]))
        self.serve_from(socket, self.asked[-1])


@contextmanager
def running(jetstream: Jetstream) -> Iterator[Server]:
    def dated(_: ServerConnection, __: Any, response: Any) -> Any:
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            del response.headers["Date"]
            response.headers["Date"] = formatdate(jetstream.clock, usegmt=True)
        return response

    def refused(_: ServerConnection, request: Request) -> Response | None:
        jetstream.tokens.append(request.headers.get("Authorization"))
        jetstream.agents.append(request.headers.get("User-Agent"))
        return jetstream.refusals.pop(0) if jetstream.refusals else None

    with serve(
        jetstream.handle, "127.0.0.1", 0, process_request=refused, process_response=dated, compression=None
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        jetstream.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def opened(
    server: Jetstream, landing: Path, connections: int = 100, minutes: float = 60, clock: Clock | None = None
) -> BlueskySource:
    clock = clock or Clock()
    return BlueskySource(
        Settings(
            id="bsky",
            landing=landing,
            ask={"host": server.url},
            limits=Limits(requests=connections, minutes=minutes),
            budget=lambda most, minutes: Budget(most, minutes, lambda: clock.now, clock.sleep),
        )
    )


def pulled(source: BlueskySource) -> tuple[set[int], list[Note]]:
    """The numbers of the events that acts came from, and the notes."""
    pages = list(source.pages(DAY, DAY))
    acts = [act for page in pages for act in page.acts.to_pylist()]
    return {int(act["activity_id"].rpartition("/k")[2]) for act in acts}, [
        note for page in pages for note in page.notes
    ]
