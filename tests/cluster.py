"""A Spark cluster on this machine: a master, two workers of one core and 1 GB each, and the executors they start."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

from jobs import comet
from jobs.session import java_home
from tests import cores
from tests.tiny_days import QUICK_JAVA

WORKERS = 2
READY_S = 180  # patience, on a machine that is busy with other things

# Loopback alone: this machine's name may resolve to nothing.
ENVIRONMENT = {
    "SPARK_HOME": str(Path(pyspark.__file__).parent),
    "JAVA_HOME": str(java_home()),
    "SPARK_LOCAL_IP": "127.0.0.1",
    "JAVA_TOOL_OPTIONS": QUICK_JAVA,
}
# Set-up archived the classes of the driver's class path, which begins with Comet's jar. With the same one, masters, workers and
# executors start a third faster.
CLASS_PATH = comet.class_path({})
SETTINGS = f"spark.executor.extraClassPath {CLASS_PATH}\n" if CLASS_PATH else ""


# It lives elsewhere: in another zone, with a language whose letters i are other ones.
ABROAD = {
    "TZ": "Asia/Kathmandu",
    "LC_ALL": "tr_TR.UTF-8",
    "SPARK_DAEMON_MEMORY": "256m",
    "SPARK_DAEMON_CLASSPATH": CLASS_PATH,
}
JAVA = {"JAVA_TOOL_OPTIONS": ENVIRONMENT["JAVA_TOOL_OPTIONS"] + " -Duser.language=tr -Duser.country=TR"}


class Cluster:
    """`master`: its address. `work`: for each worker what it keeps of executors, APPLICATION/EXECUTOR."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work: list[Path] = []
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Starts the master and the workers, in turn on each of the cores there are."""
        self.master = _said(self._start("master.Master", "--port", "0"), r"Starting Spark master at (\S+)")
        logs = []
        while len(self.work) < WORKERS:
            self.work.append(self.folder / f"work-{len(self.work)}")
            size = ("--cores", "1", "--memory", "1g", "--work-dir", str(self.work[-1]))
            logs.append(self._start("worker.Worker", *size, self.master))
            os.sched_setaffinity(self.processes[-1].pid, {cores.ALL[len(self.work) % len(cores.ALL)]})
        for log in logs:
            _said(log, "(Successfully registered with master)")

    def _start(self, name: str, *arguments: str) -> Path:
        log = self.folder / f"{len(self.processes)}.log"
        java = [ENVIRONMENT["SPARK_HOME"] + "/bin/spark-class", f"org.apache.spark.deploy.{name}"]
        with log.open("wb") as said:
            self.processes.append(
                subprocess.Popen(
                    [*java, "--host", "127.0.0.1", "--webui-port", "0", *arguments],
                    env=os.environ | ENVIRONMENT | ABROAD | JAVA, cwd=self.folder,
                    stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
                )
            )  # fmt: skip
        return log


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Ready; killed at the end, executors too."""
    found = Cluster(folder)
    try:
        found.start()
        yield found
    finally:
        for process in found.processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _said(log: Path, pattern: str) -> str:
    ends = time.monotonic() + READY_S
    while not (found := re.search(pattern, log.read_text())):
        assert time.monotonic() < ends, log.read_text()
        time.sleep(0.1)
    return found[1]
