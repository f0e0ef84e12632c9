"""A Spark cluster on this machine: a master and two workers of one core and 1 GB each, and the executors they start."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

from jobs import comet
from jobs.session import java_home
from tests.tiny_days import QUICK_JAVA

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


@dataclass(frozen=True)
class Cluster:
    """`master`: its address. `work`: for each worker what it keeps of executors, APPLICATION/EXECUTOR."""

    master: str
    work: tuple[Path, Path]


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Ready; killed at the end, executors too. It lives elsewhere: in another zone, with a language whose letters i are
    other ones."""
    abroad = {
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "tr_TR.UTF-8",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_CLASSPATH": CLASS_PATH,
    }
    options = {"JAVA_TOOL_OPTIONS": ENVIRONMENT["JAVA_TOOL_OPTIONS"] + " -Duser.language=tr -Duser.country=TR"}
    groups: list[subprocess.Popen] = []

    def start(name: str, *arguments: str) -> Path:
        log = folder / f"{len(groups)}.log"
        command = [
            ENVIRONMENT["SPARK_HOME"] + "/bin/spark-class",
            f"org.apache.spark.deploy.{name}",
            "--host",
            "127.0.0.1",
        ]
        with log.open("wb") as said:
            groups.append(
                subprocess.Popen(
                    [*command, "--webui-port", "0", *arguments],
                    env=os.environ | ENVIRONMENT | abroad | options, cwd=folder,
                    stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
                )
            )  # fmt: skip
        return log

    try:
        master = _said(start("master.Master", "--port", "0"), r"Starting Spark master at (\S+)")
        work = (folder / "work-0", folder / "work-1")
        size = ("--cores", "1", "--memory", "1g")
        for log in [start("worker.Worker", *size, "--work-dir", str(path), master) for path in work]:
            _said(log, "(Successfully registered with master)")
        yield Cluster(master, work)
    finally:
        for process in groups:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _said(log: Path, pattern: str) -> str:
    ends = time.monotonic() + READY_S
    while not (found := re.search(pattern, log.read_text())):
        assert time.monotonic() < ends, log.read_text()
        time.sleep(0.1)
    return found[1]
