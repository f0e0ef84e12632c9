"""Settings for days as small as a test's, where planning and compiling take all the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.session import SETTINGS, settings

# For a JVM that lives for seconds. The second option leaves room for all that is compiled: without it, every tenth day compiles
# everything again. The last two skip the check of every loaded class, a third of the time until a session is there.
QUICK_JAVA = (
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
    " -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
# Spark interprets its expressions instead of compiling them, plans a query once, and exchanges rows among as few tasks as show
# that it does: each task costs more than a tiny day's rows in it.
TINY_DAYS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
}


def settings_file(folder: Path, further: str = "") -> Path:
    """For `CLOUT_SPARK_SETTINGS`: `infra/spark-defaults.conf` with these settings and further lines, in this folder."""
    path = folder / "tiny_days.conf"
    own = "".join(f"{name} {value}\n" for name, value in TINY_DAYS.items())
    path.write_text(SETTINGS.read_text(encoding="utf-8") + own + further, encoding="utf-8")
    return path


@contextmanager
def large_days(spark: SparkSession) -> Iterator[None]:
    """While the block runs, Spark works as it does in production: a million rows are worth it."""
    usual = settings()
    for name in TINY_DAYS:
        if name in usual:
            spark.conf.set(name, usual[name])
        else:
            spark.conf.unset(name)
    try:
        yield
    finally:
        for name, value in TINY_DAYS.items():
            spark.conf.set(name, value)
