"""A platform's API on loopback: a real HTTP server that answers as a test says and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.loopback import LoopbackServer

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
DATE = {"Date": format_datetime(NOW, usegmt=True)}


class Reply(NamedTuple):
    """An answer; a value that is no bytes is sent as JSON."""

    value: Any = None
    status: int = 200
    headers: dict[str, str] | None = None

    @property
    def body(self) -> bytes:
        return self.value if isinstance(self.value, bytes) else json.dumps(self.value).encode()


def then(*replies: Reply) -> Callable[[str], Reply]:
    """Answers in this order; the last one from then on."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@dataclass
class Platform:
    """`answer` maps a path with its query to a reply. `asked` holds the paths, in order, and `headers` those of the last
    request."""

    answer: Callable[[str], Reply] = lambda _: Reply(None, 404)
    asked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""


@contextmanager
def served() -> Iterator[Platform]:
    platform = Platform()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet for each answer: a second one would wait 40 ms for the first one's receipt

        def do_GET(self) -> None:
            platform.asked.append(self.path)
            platform.headers = dict(self.headers)
            reply = platform.answer(self.path)
            self.send_response_only(reply.status)
            for name, value in (reply.headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            if self.close_connection:  # else a client that asked for it uses the connection again
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(reply.body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = LoopbackServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    platform.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield platform
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
