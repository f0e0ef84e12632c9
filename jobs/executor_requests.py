"""Counts what the executors of a Spark cluster ask of an object store.

In each executor, Hadoop's client of the store counts its requests as one of its metrics, and Hadoop's StatsD sink sends their
number to this process once a second, in a datagram. The executors get the sink's settings as a file of their application.
https://hadoop.apache.org/docs/stable/api/org/apache/hadoop/metrics2/sink/StatsDSink.html
"""

import re
import socket
import time
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark import SparkContext

PERIOD_S = 1
LATE_S = 0.25  # how late reports usually are
PATIENCE_S = 5.0  # on a busy machine, or for an executor that has just ended
GONE_S = 10.0  # an executor that has not reported for so long has ended

FILE = "hadoop-metrics2-s3a-file-system.properties"  # the client looks for this name in its working directory
SETTINGS = """\
*.period={period}
s3a-file-system.sink.statsd.class=org.apache.hadoop.metrics2.sink.StatsDSink
s3a-file-system.sink.statsd.server.host={host}
s3a-file-system.sink.statsd.server.port={port}
s3a-file-system.sink.statsd.service.name={name}
s3a-file-system.sink.statsd.skip.hostname=true
s3a-file-system.sink.statsd.metric.filter.class=org.apache.hadoop.metrics2.filter.GlobFilter
s3a-file-system.sink.statsd.metric.filter.include=store_io_request
"""
DATAGRAM_BYTES = 2**16


class Reports:
    """What executors report to a socket at this address, which a thread counts as it arrives. A `port` of 0 means any. Reports
    begin with `name`, which is secret, so that no stranger's datagram counts. Raises `OSError` if this machine has no such host
    or the port is in use."""

    def __init__(self, host: str, port: int) -> None:
        known = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        family, *_, address = min(known, key=lambda found: found[0] != socket.AF_INET)  # Java, too, prefers IPv4
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self.name = f"clout-{token_hex()}"
        self._report = re.compile(rf"{self.name}\.s3aFileSystem\.s3aFileSystem\.store_io_request:(\d+)\|c".encode())
        self._requests: dict[object, int] = {}  # by address of the executor
        self._reported: dict[object, float] = {}
        Thread(target=self._receive_forever, name="executor-requests", daemon=True).start()

    def requests(self) -> int:
        """How many requests the executors have made, as far as they have reported."""
        return sum(self._requests.copy().values())

    def wait(self) -> None:
        """Waits until executors have reported what they had asked when it was called."""
        called = time.monotonic()
        time.sleep(PERIOD_S + LATE_S)  # a new one has not reported yet
        while time.monotonic() < called + PATIENCE_S:
            if all(at >= called or at < called - GONE_S for at in self._reported.copy().values()):
                return
            time.sleep(0.05)

    def _receive_forever(self) -> None:
        while True:
            report, executor = self._socket.recvfrom(DATAGRAM_BYTES)
            if counted := self._report.fullmatch(report.strip()):
                self._requests[executor] = max(int(counted[1]), self._requests.get(executor, 0))
                self._reported[executor] = time.monotonic()


_reports: list[Reports] = []
_followed: dict[str, TemporaryDirectory[str]] = {}  # application -> the folder from which its executors get the file


def follow(context: "SparkContext") -> None:
    """Makes the application's executors report to this process, if it runs on a cluster: to the number of Spark's own port for
    executors, where a firewall can let them through. Call it before the first job. If the driver cannot listen there, as behind
    a proxy, or the user's own settings of such metrics are sent to executors, executors' requests are not counted."""
    conf = dict(context.getConf().getAll())
    own = FILE in conf.get("spark.files", "") + conf.get("spark.yarn.dist.files", "")
    if conf["spark.master"].startswith("local") or own or context.applicationId in _followed:
        return
    host, port = conf["spark.driver.host"], int(conf["spark.driver.port"])
    try:
        reports = Reports(conf.get("spark.driver.bindAddress", host).strip("[]"), port)
    except OSError:
        return
    folder = TemporaryDirectory(prefix="clout-")
    file = Path(folder.name, FILE)
    file.write_text(
        SETTINGS.format(period=PERIOD_S, host=host.strip("[]"), port=reports.port, name=reports.name), encoding="ascii"
    )
    context.addFile(str(file))
    _followed[context.applicationId] = folder
    _reports.append(reports)


def requests() -> int:
    """How many requests all executors of this process's applications have made, as far as they have reported."""
    return sum(reports.requests() for reports in _reports)


def wait() -> None:
    """Waits until executors have reported what they had asked when it was called: a second, at most five."""
    for reports in _reports:
        reports.wait()
