"""Archives the Java classes that a day's run loads, so that a later JVM starts faster: `archive_classes.py FILE`.

Runs one day of a small simulation by Spark in a temporary warehouse. With the archive, starting a Spark session takes half as
long, because Java need not load and verify these classes again. `infra/java` passes the archive to every JVM. A Java runtime
without an archive of its own classes writes none.
https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
"""

import os
import sys
import tempfile
from datetime import date
from pathlib import Path

from jobs import day_range
from jobs.backends import duck
from jobs.sources.spec import parse_specs
from jobs.warehouse.storage import Warehouse
from schemas.methodology import load
from schemas.versions import official

DAY = date(2026, 11, 1)
END_S = 120  # for Java to end: it writes the archive at its end


def main(archive: str) -> None:
    """Runs the day, then ends Java, which writes the archive, and waits for its end. `archive` is an absolute path."""
    os.environ["JDK_JAVA_OPTIONS"] = f"-XX:ArchiveClassesAtExit={archive} -Xlog:disable"
    duck.LEAST_BYTES = sys.maxsize  # so few acts and rows would need no Java
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse(f"{folder}/warehouse")
        warehouse.create_tables()
        params = day_range.Params(
            sources=parse_specs(["sample=people=300"]),
            first_day=DAY,
            last_day=DAY,
            score_from=DAY,
            methodology=load(official(DAY)),
        )
        planned = day_range.plan(warehouse, params)
        day_range.pull(warehouse, params, planned, lambda _: None, lambda _: None)
        list(day_range.score(warehouse, params, planned))
    _end_java()


def _end_java() -> None:
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    if gateway is not None:
        gateway.proc.stdin.close()  # Java ends when its standard input closes
        gateway.proc.wait(END_S)


if __name__ == "__main__":
    main(str(Path(sys.argv[1]).resolve()))
