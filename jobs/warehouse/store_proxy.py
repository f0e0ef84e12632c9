"""A program: a proxy on loopback that counts deltalake's requests to an object store, because deltalake does not report them.

It passes them on to the store, with TLS if the store's endpoint has it. A signature covers the store's name and not the scheme,
so requests stay valid, and the proxy needs no secret. It connects to nothing but the store. Only logs of tables pass through
it: Arrow's client and Spark's read and write the data.

It is a process of its own, because deltalake holds Python's lock during some requests: a thread would block its own process. It
imports only Python's library and runs as a file, so it starts fast.
"""

import asyncio
import os
import re
import socket
import ssl
import sys
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from contextlib import closing, suppress
from threading import Thread
from urllib.parse import urlsplit

CHUNK_BYTES = 2**16
CONNECT_SECONDS = 10

_HEAD_ENDS = b"\r\n\r\n"
_CONNECT = re.compile(r"\[Errno (\d+)\] Connect call failed")  # hides the reason in a number
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class _Proxy:
    """The proxy, which has passed on `passed_on` requests."""

    def __init__(self, endpoint: str) -> None:
        store = urlsplit(endpoint)
        self.passed_on = 0
        self._endpoint = endpoint
        self._prefix = f"http://{store.netloc}".encode()
        self._tls = ssl.create_default_context() if store.scheme == "https" else None
        self._address = store.hostname, store.port or (443 if self._tls else 80)

    async def serve(self, listening: socket.socket) -> None:
        """Serves the connections to this socket."""
        server = await asyncio.start_server(self._connected, sock=listening)
        await server.serve_forever()

    async def _connected(self, requests: StreamReader, answers: StreamWriter) -> None:
        """Gives a connection of deltalake one to the store. If either closes, so does the other."""
        with closing(answers):
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    from_store, to_store = await asyncio.open_connection(*self._address, ssl=self._tls)
            except OSError as error:  # a timeout too
                await self._refuse(requests, answers, error)
            else:
                both = self._pass_on(requests, to_store), _copy(from_store, answers)
                await asyncio.gather(*both, return_exceptions=True)

    async def _pass_on(self, requests: StreamReader, to_store: StreamWriter) -> None:
        """Passes on requests: a proxy is given the whole URL, a server only the path."""
        with closing(to_store):
            while True:
                head = await requests.readuntil(_HEAD_ENDS)
                self.passed_on += 1
                to_store.write(head.replace(self._prefix, b"", 1))
                length = _LENGTH.search(head)
                left = int(length[1]) if length else 0
                while left and (part := await requests.read(min(left, CHUNK_BYTES))):
                    to_store.write(part)
                    await to_store.drain()
                    left -= len(part)

    async def _refuse(self, requests: StreamReader, answers: StreamWriter, error: OSError) -> None:
        """Answers the first request with the reason why the store cannot be reached."""
        why = _CONNECT.sub(lambda found: os.strerror(int(found[1])), str(error)) or "no connection in time"
        reason = f"{self._endpoint}: {why}".encode()
        lines = b"HTTP/1.1 502 Bad Gateway", b"connection: close", b"content-length: %d" % len(reason)
        with suppress(IncompleteReadError, ConnectionError):
            await requests.readuntil(_HEAD_ENDS)
            answers.write(b"\r\n".join(lines) + _HEAD_ENDS + reason)
            answers.write_eof()
            await requests.read()  # a connection that is closed earlier may lose the answer


async def _copy(source: StreamReader, target: StreamWriter) -> None:
    with closing(target):
        while part := await source.read(CHUNK_BYTES):
            target.write(part)
            await target.drain()


def main(endpoint: str) -> None:
    """Prints the proxy's port, and for each line of standard input the number of requests so far. Ends with that input."""
    proxy, listening = _Proxy(endpoint), socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    Thread(target=asyncio.run, args=[proxy.serve(listening)], daemon=True).start()
    for _ in sys.stdin:
        print(proxy.passed_on, flush=True)
    os._exit(0)  # a thread that looks up a name would delay the end


if __name__ == "__main__":
    main(sys.argv[1])
