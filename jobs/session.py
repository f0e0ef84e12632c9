"""The only module that builds a Spark session, with settings from `infra/spark-defaults.conf`."""

import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs import comet, executor_requests, object_store
from jobs.errors import CloutError, UsageError
from jobs.places import ROOT

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

SETTINGS = ROOT / "infra" / "spark-defaults.conf"
# In local mode driver and executor are one process, so a late heartbeat only means that the machine is busy.
LOCAL_SETTINGS = {"spark.executor.heartbeatInterval": "1h", "spark.network.timeout": "24h"}
# Java compiles what it runs often a second time, into faster code. In a night of few rows this takes more time than it saves.
# One compiler alone gets little room by default and would discard code that is in use.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
QUICK_ROWS = 1_000_000
# For more rows: ten times the default counts of calls and of loops after which Java compiles again. By default it compiles the
# planning of queries, too, which took a third of a day's processor time.
LATE_JAVA = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 -XX:Tier4CompileThreshold=150000"
    " -XX:Tier4BackEdgeThreshold=400000"
)
JAVA_OPTIONS = f"-Duser.timezone=UTC -Dlog4j2.configurationFile={(ROOT / 'infra' / 'log4j2.properties').as_uri()}"


def environment_folder() -> Path:
    """The environment that set-up made: it holds this Python, the JVM packages and a link to Java."""
    return Path(sys.prefix)


def graphframes_jars() -> list[str]:
    """GraphFrames' jars: those in `$CLOUT_GRAPHFRAMES_JARS`, else those that set-up could resolve, possibly none.

    Raises `UsageError` if one of the user's jars does not exist.
    """
    return jars("CLOUT_GRAPHFRAMES_JARS", "io.graphframes_*.jar")


def s3_jars() -> list[str]:
    """The jars of Hadoop's client for S3, if the warehouse is in an object store: those in `$CLOUT_S3_JARS`, else those that
    set-up resolved. Empty if the settings file names the client.

    Raises `UsageError` if there are none, or if one of the user's jars does not exist.
    """
    warehouse = os.environ.get("CLOUT_WAREHOUSE", "")
    if not object_store.is_s3(warehouse) or any("hadoop-aws" in value for value in settings().values()):
        return []
    client = jars("CLOUT_S3_JARS", "s3/*.jar")
    if not client:
        raise UsageError(
            f"CLOUT_WAREHOUSE={warehouse}: Spark lacks Hadoop's client for S3, which set-up could not download; set"
            " CLOUT_S3_JARS to the jars of org.apache.hadoop:hadoop-aws, with commas"
        )
    return client


def jars(variable: str, pattern: str) -> list[str]:
    """The jars that the environment variable names, else those of set-up that match the pattern, possibly none.

    Raises `UsageError` if one that the variable names does not exist.
    """
    own = [path for path in os.environ.get(variable, "").split(",") if path]
    missing = [path for path in own if not Path(path).is_file()]
    if missing:
        raise UsageError(f"{variable}: {', '.join(missing)}: no such file; expected jars, with commas")
    return own or sorted(map(str, (environment_folder() / "jars").glob(pattern)))


def has_graphframes() -> bool:
    """Whether a session started here has GraphFrames' JVM package: its jars exist, or the settings file names it.

    Raises as `graphframes_jars` does.
    """
    named = (settings().get(name, "") for name in ("spark.jars.packages", "spark.driver.extraClassPath"))
    return bool(graphframes_jars()) or any("graphframes" in value for value in named)


def submitted() -> bool:
    """Whether `spark-submit` started this process, and a JVM with it."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def settings_file() -> Path:
    """`infra/spark-defaults.conf`, or the file that `$CLOUT_SPARK_SETTINGS` names."""
    return Path(os.environ.get("CLOUT_SPARK_SETTINGS", SETTINGS))


def settings() -> dict[str, str]:
    """The settings of the file, which Spark reads as Java properties: `name value`, `name=value`, `name: value`.

    Raises `UsageError` if the file cannot be read.
    """
    import javaproperties  # loads an HTTP client; every command loads this module

    try:
        with settings_file().open(encoding="utf-8") as lines:
            return {name: value.strip() for name, value in javaproperties.load(lines).items()}
    except (OSError, ValueError) as error:
        raise UsageError(f"{settings_file()}: expected Spark's settings, got {error}") from error


def java_home() -> str | None:
    """The Java that set-up chose; without set-up, the user's own JAVA_HOME."""
    linked = environment_folder() / "java"
    return str(linked) if (linked / "bin" / "java").exists() else os.environ.get("JAVA_HOME")


def java_options(rows: int | None = None) -> str:
    """Options of the driver's JVM, which reads this many rows, or nobody knows how many."""
    return f"{JAVA_OPTIONS} {LATE_JAVA if rows is None or rows > QUICK_ROWS else QUICK_JAVA}"


def build(master: str | None = None, rows: int | None = None) -> "SparkSession":
    """A Spark session. Under `spark-submit` the JVM already exists, with its master and packages. Otherwise this starts the
    JVM, on `master`, `$CLOUT_SPARK_MASTER` or all cores of this machine, for a command that reads this many `rows`."""
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    chosen = object_store.spark_settings(os.environ.get("CLOUT_WAREHOUSE", "")) | settings()
    if not submitted():
        master = master or os.environ.get("CLOUT_SPARK_MASTER", "local[*]")
        if master.startswith("local"):
            chosen = LOCAL_SETTINGS | chosen
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # offline, the machine's name may not resolve
        packages = [*graphframes_jars(), *s3_jars()]
        chosen |= {"spark.master": master, "spark.driver.extraJavaOptions": java_options(rows)}
        if packages:
            chosen["spark.jars"] = ",".join(packages)
        if class_path := comet.class_path(chosen):
            chosen[comet.CLASS_PATH] = class_path
        java = java_home()
        if java:
            os.environ["JAVA_HOME"] = java
        os.environ.pop("SPARK_HOME", None)  # must not start another Spark than the pinned one
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    else:
        SparkContext._ensure_initialized()  # so that SparkConf begins with what the JVM was given
    conf = SparkConf().setAppName("clout").setAll(list(chosen.items()))
    conf.setAll(list(comet.settings(dict(conf.getAll())).items()))
    with _interrupts_kept():
        if not submitted() and SparkContext._active_spark_context is None:  # a session is active in one thread only
            _start(conf)
        session = SparkSession.builder.config(conf=conf).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    if object_store.is_s3(os.environ.get("CLOUT_WAREHOUSE", "")):
        executor_requests.follow(session.sparkContext)
    return session


def on_demand(rows: int) -> "Callable[[], SparkSession]":
    """The result of `build`, which is called the first time it is needed: days of few rows need no session."""
    return cache(partial(build, rows=rows))


def _start(conf: "SparkConf") -> None:
    """Starts the JVM and Spark's context in it, which `SparkSession.builder` then uses. Raises `CloutError` with Java's own
    message if it does not start.

    What the JVM prints reaches the terminal only under --verbose. The JVM has its own process group, because this process
    handles Ctrl-C.
    """
    from pyspark import SparkContext
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    verbose = logging.getLogger("jobs").isEnabledFor(logging.DEBUG)
    with tempfile.TemporaryFile() as printed:
        streams: dict[str, Any] = {} if verbose else {"stdout": printed, "stderr": printed}
        try:
            gateway = SparkContext._gateway or launch_gateway(conf, streams | {"process_group": 0})
        except PySparkRuntimeError as error:
            printed.seek(0)
            lines = printed.read().decode(errors="replace").splitlines()
            known = ("WARNING", "Picked up ")  # what Java prints about options in environment variables
            said = next((line for line in lines if line.strip() and not line.startswith(known)), str(error))
            raise CloutError(f"Java did not start: {said} (`--verbose` shows more)") from error
        SparkContext(conf=conf, gateway=gateway)


@contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Keeps this process's handler of Ctrl-C. Spark installs its own, which asks the JVM to cancel its jobs over a connection
    that is busy waiting for one of these jobs."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
