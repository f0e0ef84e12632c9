"""Counts what this process asks of an object store, for rows of `runs`.

Arrow's client reports each attempt of a request in a datagram, which AWS calls client-side monitoring. The datagram holds the
key's id and the session's token, but never the secret, and goes to a socket of this process alone. Hadoop's client, in Spark's
JVM, keeps a counter, and on a cluster executors report theirs (`jobs.executor_requests`). deltalake reports nothing, so its
requests go through a proxy that counts them (`store_proxy`).
"""

import atexit
import os
import shlex
import socket
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from contextlib import closing, suppress
from functools import cache
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from secrets import token_hex
from select import select
from threading import Lock, Thread
from typing import Any
from uuid import uuid4

from jobs import executor_requests, object_store
from jobs.errors import CloutError

ARROW, SPARK, DELTALAKE = "store_requests_arrow", "store_requests_spark", "store_requests_deltalake"
EXECUTORS = "store_requests_executors"  # part of `SPARK` in what `taken` returns
LOST = "store_reports_lost"  # two datagrams report a request

SO_RXQ_OVFL = 40  # of Linux: each datagram comes with the number of those that were lost before it, in four bytes
DATAGRAM_BYTES = 2**16
WAITING_BYTES = 2**22  # the kernel may grant less

_taken: Counter[str] = Counter()


def taken(root: str) -> dict[str, int]:
    """Client -> requests that this process made since the last call; without zeros, and empty unless the warehouse at `root` is
    in S3. If Spark worked on a cluster since then, waits for the reports of its executors: a second, at most five."""
    if not object_store.is_s3(root):
        return {}
    driver = _by_spark(root)
    if driver > _taken[SPARK]:  # only then did executors work
        executor_requests.wait()
    made = {
        DELTALAKE: sum(proxy.requests() for proxy in _proxies),
        SPARK: driver,
        EXECUTORS: executor_requests.requests(),
    }
    asked = (_reports().counts() | Counter(made)) - _taken
    _taken.update(asked)
    asked[SPARK] += asked.pop(EXECUTORS, 0)
    return dict(+asked)


def report() -> None:
    """Makes Arrow's client report its requests to this process. Call it before the first `S3FileSystem`."""
    _reports()


def proxy() -> str:
    """The URL, with a password, of deltalake's proxy to the store that the environment names. Starts the proxy. Raises like
    `object_store.endpoint`, and `CloutError` if the proxy does not start."""
    endpoint = object_store.endpoint()
    with _starting:
        for found in _proxies:
            if found.endpoint == endpoint and found.runs():
                return found.url
        _proxies.append(_Proxy(endpoint))
        return _proxies[-1].url


class _Proxy:
    """A `store_proxy` at `url`, for the store at `endpoint`. Ends with this process. Raises `CloutError` if it does not
    start."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._requests = 0
        user = f"clout:{token_hex()}"
        self._headers = {"proxy-authorization": f"Basic {b64encode(user.encode()).decode()}"}
        program = [sys.executable, "-I", "-S", str(Path(__file__).with_name("store_proxy.py")), endpoint]
        try:
            # In a session of its own: Ctrl-C must not end it before this process has made its last commit.
            self._process = subprocess.Popen(
                program,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
                start_new_session=True,
            )
            self._address = "127.0.0.1", self._port()
        except (OSError, ValueError) as error:
            command = shlex.join(program)
            raise CloutError(
                f"the proxy to the object store does not start ({error}); run it to see why: {command}"
            ) from error
        self.url = "http://{}@{}:{}".format(user, *self._address)

    def _port(self) -> int:
        """Gives its process the password, and returns its port. Ends the process if it does not answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(self._headers["proxy-authorization"].encode() + b"\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())
        except (OSError, ValueError):
            self.end()
            raise

    def runs(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    def requests(self) -> int:
        """How many requests it has passed on to the store; the last known number if its process is gone."""
        with suppress(OSError, HTTPException), closing(HTTPConnection(*self._address, timeout=60)) as connection:
            connection.request("GET", "/", headers=self._headers)
            self._requests = int(connection.getresponse().read())
        return self._requests

    def end(self) -> None:
        """Ends its process."""
        self._process.kill()
        self._process.communicate()

    def let_go(self) -> None:
        """Closes this process's ends of the pipes. Its process ends when all are closed."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


_proxies: list[_Proxy] = []
_starting = Lock()


@atexit.register
def _end_proxies() -> None:
    for proxy in _proxies:
        proxy.end()


def _after_fork() -> None:
    """A forked process starts proxies of its own, and keeps none of its parent's running."""
    global _starting
    _starting = Lock()
    for proxy in _proxies:
        proxy.let_go()
    _proxies.clear()
    del _taken[DELTALAKE]


os.register_at_fork(after_in_child=_after_fork)


class _Reports:
    """The reports of Arrow's client, which a thread counts as they arrive."""

    def __init__(self) -> None:
        client = uuid4().hex
        self._signs = (b'"Type":"ApiCallAttempt"', b'"Service":"S3"', f'"ClientId":"{client}"'.encode())
        self._counts: Counter[str] = Counter()
        self._lock = Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WAITING_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        host, port = self._socket.getsockname()
        os.environ |= {"AWS_CSM_ENABLED": "true", "AWS_CSM_HOST": host, "AWS_CSM_PORT": str(port)}
        os.environ["AWS_CSM_CLIENT_ID"] = client
        Thread(target=self._count_forever, name="store-requests", daemon=True).start()

    def counts(self) -> Counter[str]:
        """`ARROW` and `LOST`, with every request that has ended."""
        with self._lock:
            while True:
                try:
                    report, about, *_ = self._socket.recvmsg(DATAGRAM_BYTES, socket.CMSG_SPACE(4))
                except BlockingIOError:
                    return self._counts.copy()
                for _, _, lost in about:
                    self._counts[LOST] = int.from_bytes(lost, sys.byteorder)
                if all(sign in report for sign in self._signs):
                    self._counts[ARROW] += 1

    def _count_forever(self) -> None:
        while True:
            select([self._socket], [], [])
            self.counts()


_reports = cache(_Reports)


def _by_spark(root: str) -> int:
    """The requests of Hadoop's client in this process's JVM since that started; 0 without a session, or if the JVM cannot say
    it."""
    if "pyspark" not in sys.modules:
        return 0
    from pyspark.sql import SparkSession

    try:
        session = SparkSession.getActiveSession()
        if session is None:
            return 0
        jvm: Any = session._jvm
        url = jvm.java.net.URI(object_store.spark_url(root))
        client = jvm.org.apache.hadoop.fs.FileSystem.get(url, session._jsparkSession.sessionState().newHadoopConf())
        return client.getIOStatistics().counters()["store_io_request"]
    except Exception:  # whatever the fault: a run that failed because of the JVM must still be recorded
        return 0
