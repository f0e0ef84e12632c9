"""Apache DataFusion Comet, which executes Spark's queries natively: whether a session can use it, and for which queries.

Set-up installs its jar if it can. A session loads it if the jar is on the class path, if this machine can run its library and
if enough memory is left beside the heap; otherwise Spark works without it. Rows are the same with and without it, bit for bit:
`SETTINGS` leaves to the JVM what Comet computes differently. `spark.comet.enabled false` in the settings file switches it off.
https://datafusion.apache.org/comet/user-guide/latest/
"""

import logging
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.available_memory import available_bytes
from jobs.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

VARIABLE = "CLOUT_COMET_JAR"
PATTERN = "org.apache.datafusion_comet-spark-*.jar"
ENABLED, EXTENSIONS = "spark.comet.enabled", "spark.sql.extensions"
CLASS_PATH, HEAP, OFF_HEAP = "spark.driver.extraClassPath", "spark.driver.memory", "spark.memory.offHeap.size"

# Not Comet's plugin, which unpacks and loads the library, 145 MB, at the end of every session, used or not.
EXTENSION = "org.apache.comet.CometSparkSessionExtensions"
SETTINGS = {
    "spark.shuffle.manager": "org.apache.spark.sql.comet.execution.shuffle.CometShuffleManager",
    "spark.memory.offHeap.enabled": "true",
    # Its logarithm differs from the JVM's in the last bit (`jobs.backends.spark`).
    "spark.comet.expression.Log2.enabled": "false",
    # Otherwise a task holds all rows of its exchange: for 4 million acts the JVM held 2.2 GB, and with this limit 1.6.
    "spark.comet.shuffle.native.maxBufferBytes": "64m",
    ENABLED: "false",  # `used_for` switches it on
}

# The engagement of this many rows took 0.6 times the processor time with Comet, its start included. Fewer rows are not worth
# that start.
LEAST_ROWS = 5_000_000

# Bounds of what Comet may take. It was measured with the first.
MOST_OFF_HEAP, LEAST_OFF_HEAP = 4 << 30, 1 << 30

# What the library in the jar needs of the C library and of the processor (x86-64-v3, Neoverse N1). On another processor it
# would kill Java.
LEAST_GLIBC = (2, 30)
FEATURES = {
    "x86_64": {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"},
    "aarch64": {"aes", "asimddp", "asimdhp", "asimdrdm", "atomics", "crc32", "dcpop", "fphp", "lrcpc", "sha2"},
}


def jar() -> str | None:
    """Comet's jar: `$CLOUT_COMET_JAR`, else the one that set-up installed; None without it. Raises `UsageError` if the user's
    jar does not exist."""
    own = os.environ.get(VARIABLE)
    if own and not Path(own).is_file():
        raise UsageError(f"{VARIABLE}: {own}: no such file; expected a jar")
    return own or next(iter(sorted(map(str, (Path(sys.prefix) / "jars").glob(PATTERN)))), None)


def obstacle(root: Path = Path("/")) -> str | None:
    """Why this machine cannot run Comet's library; None if it can. `root` is the folder that holds `proc`."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in FEATURES:
        return f"no library for {sys.platform} on {machine}"
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (OSError, ValueError):  # musl has no such name
        libc = ""
    found = re.fullmatch(r"glibc (\d+)\.(\d+).*", libc)
    if not found or (int(found[1]), int(found[2])) < LEAST_GLIBC:
        return f"the C library is {libc or 'not glibc'}, expected glibc {'.'.join(map(str, LEAST_GLIBC))} or later"
    words = set((root / "proc/cpuinfo").read_text(encoding="utf-8").split())
    lacking = sorted(FEATURES[machine] - words)
    return f"the processor lacks {', '.join(lacking)}" if lacking else None


def class_path(chosen: Mapping[str, str]) -> str:
    """`spark.driver.extraClassPath` with Comet's jar. The jar is in it even if Comet is off, because the archive of Java's
    classes fits one class path only. Raises as `jar` does."""
    return ":".join(filter(None, [chosen.get(CLASS_PATH), jar()]))


def settings(chosen: Mapping[str, str]) -> dict[str, str]:
    """The further settings with which a session of these settings uses Comet; empty if it cannot, or if it is switched off.

    On a cluster, executors take the memory from their workers, which nobody here can measure: there Comet is used only if
    `spark.memory.offHeap.size` is set.
    """
    own = jar()
    if own is None or own not in chosen.get(CLASS_PATH, "").split(":") or chosen.get(ENABLED) == "false":
        return {}
    is_local = chosen.get("spark.master", "").startswith("local")
    off_heap = chosen.get(OFF_HEAP) or (off_heap_bytes(_bytes(chosen.get(HEAP, "1g"))) if is_local else 0)
    lack = obstacle() or (None if off_heap else f"less than {LEAST_OFF_HEAP >> 30} GB of memory is left for it")
    if lack:
        log.debug("Spark works without Comet: %s", lack)
        return {}
    lists = {EXTENSIONS: EXTENSION} | ({} if is_local else {"spark.jars": own})
    joined = {name: ",".join(filter(None, [chosen.get(name), value])) for name, value in lists.items()}
    return SETTINGS | joined | {OFF_HEAP: str(off_heap)}


def is_loaded(session: "SparkSession") -> bool:
    """Whether the session can use Comet."""
    return EXTENSION in (session.conf.get(EXTENSIONS, None) or "")


def off_heap_bytes(heap: int, root: Path = Path("/")) -> int:
    """Bytes outside Java's heap that Comet may use: half of the available memory beside the heap, at most `MOST_OFF_HEAP`. The
    other half is left to engine `memory`. 0 if it is less than `LEAST_OFF_HEAP`."""
    half = (available_bytes(root) - heap) // 2
    return min(MOST_OFF_HEAP, half) if half >= LEAST_OFF_HEAP else 0


def _bytes(size: str) -> int:
    """A size of Java's memory, such as `3g`; 0 for what Java itself refuses."""
    found = re.fullmatch(r"(\d+)([kmgt])b?", size.strip().lower())
    return int(found[1]) << 10 * (1 + "kmgt".index(found[2])) if found else 0


@contextmanager
def used_for(session: "SparkSession", rows: int) -> Iterator[None]:
    """Within the block Spark plans queries for Comet if the session has it and if the queries read at least `LEAST_ROWS`
    rows."""
    if rows < LEAST_ROWS or not is_loaded(session):
        yield
        return
    session.conf.set(ENABLED, "true")
    try:
        yield
    finally:
        session.conf.set(ENABLED, "false")
