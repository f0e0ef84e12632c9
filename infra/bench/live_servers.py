"""Servers on loopback for bench `live`: a Mastodon instance, and a Jetstream server.

    python infra/bench/live_servers.py mastodon REQUESTS WINDOW_S
    python infra/bench/live_servers.py jetstream EVENTS

Prints its URL, and serves until it is terminated.
"""

import json
import random
import string
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from jobs.sources.page import DAY_US

ANSWER_S = 0.05
STATUSES, HOURS_APART = 40, 5  # of an account: one page, which reaches back over eight days
LIKED = 5  # of this many accounts one has a liked post on each day
BASE32 = "234567" + string.ascii_lowercase


class Limit:
    """Grants `requests` in each window of `window_s` seconds, from the first request on; 0 requests: no limit."""

    def __init__(self, requests: int, window_s: float) -> None:
        self._requests, self._window_s = requests, window_s
        self._began, self._window, self._used = 0.0, 0, 0
        self._lock = threading.Lock()

    def spend(self) -> tuple[bool, dict[str, str]]:
        """Whether a request is granted, and the headers that say what is left."""
        if not self._requests:
            return True, {}
        with self._lock:
            now = time.time()
            self._began = self._began or now
            window = int((now - self._began) // self._window_s)
            if window != self._window:
                self._window, self._used = window, 0
            self._used += 1
            used = self._used
        reset = datetime.fromtimestamp(self._began + (window + 1) * self._window_s, UTC)
        return used <= self._requests, {
            "X-RateLimit-Limit": str(self._requests),
            "X-RateLimit-Remaining": str(max(self._requests - used, 0)),
            "X-RateLimit-Reset": f"{reset:%Y-%m-%dT%H:%M:%S.%fZ}",
        }


def mastodon(requests: int, window_s: float) -> None:
    """Serves an instance on which every name is an account."""
    limit = Limit(requests, window_s)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else the second packet of an answer waits 40 ms for the receipt of the first

        def do_GET(self) -> None:
            time.sleep(ANSWER_S)
            granted, headers = limit.spend()
            body = json.dumps(_answer(self.path) if granted else {"error": "Too many requests"}).encode()
            self.send_response(200 if granted else 429)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def _answer(target: str) -> Any:
    url = urlsplit(target)
    match url.path.removeprefix("/api/").split("/"):
        case ["v1", "accounts", "lookup"]:
            return _account(parse_qs(url.query)["acct"][0].removeprefix("user"))
        case ["v1", "accounts", own, "statuses"]:
            return [_status(own, number) for number in range(STATUSES)]
        case ["v1", "statuses", _, "favourited_by"]:
            return [_account(f"{number}") for number in range(STATUSES)]
    return {"version": "4.6.4"}


@cache
def _account(number: str) -> dict[str, Any]:
    home = f"https://home.example/users/user{number}"
    said = {"note": "<p>words</p>" * 20, "avatar": f"{home}/avatar.png", "header": f"{home}/header.png", "fields": []}
    counts = {"followers_count": 7, "following_count": 3, "statuses_count": 1_000}
    flags = {"discoverable": True, "noindex": False, "bot": False}
    names = {"id": number, "acct": f"user{number}", "username": f"user{number}", "uri": home, "url": home}
    return names | said | counts | flags | {"display_name": "User", "created_at": "2020-01-01T00:00:00.000Z"}


def _status(own: str, number: int) -> dict[str, Any]:
    account = _account(own)
    at = datetime.now(UTC) - timedelta(hours=HOURS_APART * number)
    is_liked = int(own) % LIKED == 0 and at.hour < HOURS_APART
    counts = {"favourites_count": STATUSES if is_liked else 0, "reblogs_count": 0, "replies_count": 0}
    unset = dict.fromkeys(("in_reply_to_id", "in_reply_to_account_id", "reblog", "quote", "card", "poll"))
    name = f"{own}{number:03d}"
    return {
        "id": name,
        "uri": f"{account['uri']}/statuses/{name}",
        "created_at": f"{at:%Y-%m-%dT%H:%M:%S.000Z}",
        "account": account,
        "visibility": "public",
        "content": "<p>words</p>" * 20,
        "mentions": [],
        **counts,
        **unset,
    }


def jetstream(events: int) -> None:
    """Serves `events` events, evenly spread over the day after the cursor, and the first ones of the next day."""

    def replay(socket: ServerConnection) -> None:
        assert socket.request is not None
        begin = int(parse_qs(urlsplit(socket.request.path).query)["cursor"][0])
        frames = map(_frame, _messages(events, begin))
        with suppress(ConnectionClosed, OSError):  # a client may have enough
            while some := b"".join(islice(frames, 500)):
                socket.socket.sendall(some)  # `send` costs more time than a client has
            socket.recv()

    with serve(
        replay, "127.0.0.1", 0, compression=None, ping_interval=None
    ) as server:  # a ping would break into a frame
        print(f"ws://127.0.0.1:{server.socket.getsockname()[1]}", flush=True)
        server.serve_forever()


def _frame(message: str) -> bytes:
    content = message.encode()
    size = len(content)
    return b"\x81" + (bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2)) + content


def _messages(events: int, begin: int) -> Iterator[str]:
    rng = random.Random(1)
    people = ["did:plc:" + "".join(rng.choices(BASE32, k=24)) for _ in range(100_000)]
    posts = [f"at://{rng.choice(people)}/app.bsky.feed.post/{_key(rng.randrange(1 << 50))}" for _ in range(50_000)]
    cid = "bafyrei" + "".join(rng.choices(BASE32, k=52))
    step = DAY_US // events
    for number in range(events + 100):
        time_us = begin + number * step if number < events else begin + DAY_US + number * 1_000_000
        collection, record = _record(number % 100, rng, people, posts, cid)
        operation = "create" if record else "delete"
        of = f',"record":{{"$type":"{collection}",{record},"createdAt":"2026-11-03T12:00:00.000Z"}},"cid":"{cid}"'
        yield (
            f'{{"did":"{rng.choice(people)}","time_us":{time_us},"kind":"commit","commit":{{"rev":"{_key(time_us)}",'
            f'"operation":"{operation}","collection":"{collection}","rkey":"{_key(time_us)}"{of if record else ""}}}}}'
        )


def _record(percent: int, rng: random.Random, people: list[str], posts: list[str], cid: str) -> tuple[str, str]:
    """The collection and fields of an event's record. `percent` (0 to 99) selects its kind. A deleted record has no fields."""
    subject = f'"subject":{{"cid":"{cid}","uri":"{rng.choice(posts)}"}}'
    if percent < 65:
        return "app.bsky.feed.like", subject
    if percent < 75:
        return "app.bsky.feed.repost", subject
    if percent < 85:
        return "app.bsky.graph.follow", f'"subject":"{rng.choice(people)}"'
    text = f'"text":"{"words " * 20}","langs":["en"]'
    if percent < 91:
        return "app.bsky.feed.post", text
    if percent < 96:
        parent = f'{{"cid":"{cid}","uri":"{rng.choice(posts)}"}}'
        return "app.bsky.feed.post", f'{text},"reply":{{"parent":{parent},"root":{parent}}}'
    return "app.bsky.feed.like", ""


def _key(time_us: int) -> str:
    """A record key as Bluesky makes it from the time."""
    bits = time_us << 10
    return "".join(BASE32[bits >> shift & 31] for shift in range(60, -1, -5))


if __name__ == "__main__":
    if sys.argv[1] == "mastodon":
        mastodon(int(sys.argv[2]), float(sys.argv[3]))
    else:
        jetstream(int(sys.argv[2]))
