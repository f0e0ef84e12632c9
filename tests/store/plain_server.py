"""A server without the habits of any library: each path is a behaviour."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from threading import Semaphore, Thread
from typing import Any

from tests.loopback import LoopbackServer

SLOW = b"slow"
BODY = b"body"


class Handler(BaseHTTPRequestHandler):
    """`/once`, `/chunked`, `/early`, `/cut`, `/chunked_and_cut`, `/none`, and the paths of `objects`; anything else is
    unknown."""

    protocol_version = "HTTP/1.1"
    server: "PlainServer"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.headers = dict(self.headers)
        getattr(self, self.path[1:], self.unknown)()

    do_PUT = do_HEAD = do_GET

    def unknown(self) -> None:
        """An object, or the range of it that is asked for."""
        if (found := self.server.objects.get(self.path)) is None:
            self.answer(404, BODY, len(BODY))
        elif part := self.headers["range"]:
            first, last = map(int, part.removeprefix("bytes=").split("-"))
            body = found[first : last + 1]
            self.answer(206, body, len(body), f"bytes {first}-{last}/{len(found)}")
        else:
            self.answer(200, found, len(found))

    def once(self) -> None:
        """Closes the connection without having said so."""
        self.answer(200, BODY, len(BODY))
        self.close_connection = True

    def chunked(self) -> None:
        self.answer(200, b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n")

    def early(self) -> None:
        """Does not wait for the request's body."""
        self.answer(503, SLOW, len(SLOW))
        self.close_connection = True

    def cut(self) -> None:
        self.answer(200, BODY[:2], len(BODY))
        self.close_connection = True

    def chunked_and_cut(self) -> None:
        self.answer(200, b"2\r\nbo\r\n")
        self.close_connection = True

    def none(self) -> None:
        """Closes the connection without an answer."""
        self.close_connection = True

    def answer(self, status: int, body: bytes, length: int | None = None, part: str = "") -> None:
        self.send_response(status)
        if part:
            self.send_header("Content-Range", part)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class PlainServer(LoopbackServer):
    """`asked`: the paths, in order. `headers`: those of the last request. `objects`: path -> content. `closed` is released once
    for each connection that the server closed; `connections` counts all."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.objects: dict[str, bytes] = {}
        self.headers: dict[str, str] = {}
        self.closed = Semaphore(0)
        self.connections = 0
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.closed.release()


@contextmanager
def plain_server() -> Iterator[PlainServer]:
    """A running server until the block ends."""
    with PlainServer() as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()
