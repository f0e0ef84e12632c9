"""A program: a proxy on loopback that counts deltalake's requests to an object store, because deltalake does not report them.

It passes requests on to the store, with TLS if the store's endpoint has it, and to nothing else. A signature covers the store's
name and not the scheme, so requests stay valid, and the proxy needs no secret. Arrow's client and Spark's do not use it: they
read and write large data files, while deltalake reads and writes the tables' logs and reads small files.

It answers a repeated request for an entry of a log by itself for some minutes: deltalake reads the same entries twice to open a
table, and clout opens a table again after each of its own commits. A commit never changes, and a checkpoint says the same if it
is written again; both may be others once a backup was restored. Its clients share connections to the store, because a new one
takes long.

It serves only its own clients, which know its password: a kept answer needs no signature.

It is a process of its own, because deltalake holds Python's lock during some requests: a thread would block its own process. It
imports only Python's library and runs as a file, so it starts fast.
"""

import hmac
import os
import re
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from select import select
from ssl import SSLContext, create_default_context
from threading import Lock, Thread
from time import monotonic
from typing import ClassVar, NamedTuple
from urllib.parse import urlsplit

CHUNK_BYTES = 2**16
WAIT_SECONDS = 30  # deltalake waits no longer
OF_ONE_CONNECTION = {
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "transfer-encoding",
}  # headers
LOG_ENTRY = re.compile(r"[^?]*/_delta_log/\d{20}\.(json|checkpoint\.parquet)")
KEPT_SECONDS = 600
KEPT_BYTES = 2**26  # of log entries; what was not used for the longest time goes first
HEADERS_BYTES = 2**12  # of an entry, at most
IDLE_SECONDS = 5  # after which a connection to the store may be dead without a sign


class _Kept(NamedTuple):
    """The store's answer to a request for a log entry or a range of it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    at: float  # seconds of the monotonic clock

    @property
    def size(self) -> int:
        return HEADERS_BYTES + len(self.body)


class _Log:
    """The kept answers, each by path and range."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str | None], _Kept] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, path: str, part: str | None) -> _Kept | None:
        with self._lock:
            found = self._answers.get((path, part))
            if found is None or monotonic() - found.at > KEPT_SECONDS:
                return None
            self._answers.move_to_end((path, part))
            return found

    def keep(self, path: str, part: str | None, answer: _Kept) -> None:
        with self._lock:
            if earlier := self._answers.pop((path, part), None):
                self._bytes -= earlier.size
            self._answers[path, part] = answer
            self._bytes += answer.size
            while self._bytes > KEPT_BYTES:
                _, oldest = self._answers.popitem(last=False)
                self._bytes -= oldest.size


class _Handler(BaseHTTPRequestHandler):
    """A connection of deltalake, with one to the store as long as it lasts."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store = urlsplit("")  # its endpoint
    requests = 0  # that went to the store
    authorization = b""  # header of those who may ask
    counting: ClassVar = Lock()
    log: ClassVar = _Log()
    # Connections to the store that no client has, and since when.
    idle: ClassVar[list[tuple[float, HTTPConnection]]] = []
    tls: SSLContext | None = None

    def setup(self) -> None:
        super().setup()
        host, port = str(self.store.hostname), self.store.port
        self.to_store = (
            HTTPSConnection(host, port, timeout=WAIT_SECONDS, context=self.tls)
            if self.tls
            else HTTPConnection(host, port, timeout=WAIT_SECONDS)
        )
        self.is_clean = True  # whether the connection to the store is between two requests

    def finish(self) -> None:
        if self.is_clean and self.to_store.sock:
            self.idle.append((monotonic(), self.to_store))
        else:
            self.to_store.close()
        super().finish()

    def do_GET(self) -> None:
        """Gives the store's answer to a request of any method. Closes the connection without one, as the store would, if the
        store breaks off. A request to the proxy itself gets the number of requests."""
        url = urlsplit(self.path)
        if not hmac.compare_digest(self.headers.get("proxy-authorization", "").encode(), self.authorization):
            self._reply(407, "this proxy serves only the process that started it")
        elif not url.netloc:
            self._reply(200, str(_Handler.requests))
        elif (url.hostname, url.port or 80) != (self.store.hostname, self.store.port or 80):
            self._reply(403, f"{url.netloc}: this proxy serves only {self.store.netloc}")
        elif kept := self._kept(path := self.path[len(f"http://{url.netloc}") :]):
            self._skip_body()
            self._head(kept.status, kept.headers)
            self.wfile.write(kept.body)
        elif self._connect():
            try:
                self._pass_on(path)
            except (OSError, HTTPException):
                self.close_connection = True

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def _kept(self, path: str) -> _Kept | None:
        return self.log.get(path, self.headers["range"]) if self.command == "GET" else None

    def _connect(self) -> bool:
        """Whether there is a connection to the store; if not, gives the reason as the answer."""
        try:
            if not self.to_store.sock:
                self._take_idle()
            if self.to_store.sock and select([self.to_store.sock], [], [], 0)[0]:
                self.to_store.close()  # the store closed it while it was idle
            if not self.to_store.sock:
                self.to_store.connect()
        except (OSError, ValueError) as error:  # `ValueError`: a name that is none, or a socket that was closed
            self.to_store.close()
            self._reply(502, f"{self.store.geturl()}: {error}")
            return False
        return True

    def _take_idle(self) -> None:
        """Takes the connection that was used last, unless all are too old."""
        with suppress(IndexError):
            while not self.to_store.sock:
                since, connection = self.idle.pop()
                if monotonic() - since < IDLE_SECONDS:
                    self.to_store = connection
                else:
                    connection.close()

    def _pass_on(self, path: str) -> None:
        with self.counting:
            _Handler.requests += 1
        self.is_clean = False
        self.to_store.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in OF_ONE_CONNECTION:
                self.to_store.putheader(name, value)
        self.to_store.endheaders()
        wanted = True
        for part in self._body():
            try:
                if wanted:
                    self.to_store.send(part)
            except OSError:
                wanted = False  # the store may have answered already
        with self.to_store.getresponse() as answer:
            self._answer(answer, path)
        if not wanted:
            self.to_store.close()  # the store may wait for the rest of the body

    def _body(self) -> Iterator[bytes]:
        left = int(self.headers.get("content-length", 0))
        while left:
            if not (part := self.rfile.read(min(left, CHUNK_BYTES))):
                raise ConnectionError("the client is gone")
            left -= len(part)
            yield part

    def _answer(self, answer: HTTPResponse, path: str) -> None:
        headers = [pair for pair in answer.getheaders() if pair[0].lower() not in OF_ONE_CONNECTION]
        framed = [("transfer-encoding", "chunked")] if answer.chunked else []
        if answer.length is None and not answer.chunked:
            framed = [("connection", "close")]
        self._head(answer.status, headers + framed)
        keeps = (
            self.command == "GET"
            and LOG_ENTRY.fullmatch(path)
            and answer.status in (200, 206)
            and 0 < (answer.length or 0) <= KEPT_BYTES
        )
        parts = []
        while part := answer.read(CHUNK_BYTES):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if answer.chunked else part)
            if keeps:
                parts.append(part)
        if answer.chunked and self.command != "HEAD":
            self.wfile.write(b"0\r\n\r\n")
        elif answer.length:
            self.close_connection = True  # a cut answer stays cut
        elif keeps:
            kept = _Kept(answer.status, headers, b"".join(parts), monotonic())
            self.log.keep(path, self.headers["range"], kept)
        self.is_clean = not self.close_connection

    def _reply(self, status: int, text: str) -> None:
        """The proxy's own answer, after the request's body: an earlier one could be lost."""
        self._skip_body()
        self._head(status, [("content-length", str(len(text.encode())))])
        self.wfile.write(text.encode())

    def _skip_body(self) -> None:
        for _ in self._body():
            pass

    def _head(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Logs nothing: deltalake reports what fails."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Prints nothing: deltalake reports a connection that breaks off."""


def main(endpoint: str) -> None:
    """Reads a line from standard input: the header `Proxy-Authorization` that requests must have. Then prints the proxy's port,
    and serves the store at the endpoint, an `http://` or `https://` URL, until standard input ends."""
    _Handler.store = urlsplit(endpoint)
    if _Handler.store.scheme == "https":
        _Handler.tls = create_default_context()
    _Handler.authorization = sys.stdin.readline().strip().encode()
    if not _Handler.authorization:
        return
    server = _Server(("127.0.0.1", 0), _Handler)
    print(server.server_port, flush=True)
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)  # without waiting for threads


if __name__ == "__main__":
    main(sys.argv[1])
