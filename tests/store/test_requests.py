"""What `runs` says that jobs asked of the store, beside what the store was asked."""

import json
import os
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
from pyspark.sql import SparkSession

from jobs.errors import GoneError, UsageError
from jobs.nights import readiness
from jobs.warehouse import object_files, pruning, runs, small_files, store_requests
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.store_requests import ARROW, DELTALAKE, LOST, SPARK, taken
from schemas.coverage import COVERAGE
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows
from tests.jobs.by_spark import by_spark_alone
from tests.jobs.cli.result import RunClout
from tests.object_store import Fault, ObjectStore

DAY = "2026-11-03"
SCORED = ("--day", DAY, "--methodology", "2026.11")
JOBS = {"pull_activity": ("pull", "--day", DAY, "--source", "sample=people=60")}
JOBS |= {job: (job, *SCORED) for job in ("engagement", "influence", "checks", "publish")}

CLIENTS = ARROW, DELTALAKE, SPARK

# A process whose JVM died.
DEAD_JVM = """
from pyspark import SparkContext
from jobs import session
from jobs.warehouse import store_requests
session.build("local[1]")
SparkContext._gateway.proc.kill()
SparkContext._gateway.proc.wait()
print(store_requests.taken("s3://bucket/warehouse"))
"""


def counted(warehouse: Warehouse, job: str) -> Counter[str]:
    """What the runs of the job counted, of all commands so far."""
    rows = warehouse.read(RUNS, {"job": job}).to_pylist()
    assert {row["status"] for row in rows} == {runs.DONE}
    return sum((Counter(json.loads(row["counts"])) for row in rows), Counter())


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_runs_count_what_the_store_was_asked(
    warehouse: Warehouse, store: ObjectStore, spark: SparkSession, clout: RunClout, engine: str
) -> None:
    jobs = list(JOBS)[:3] if engine == "spark" else list(JOBS)  # the others do not use it
    for job in jobs:
        taken(warehouse.root), store.clients()
        with by_spark_alone() if engine == "spark" else nullcontext():
            assert clout(*JOBS[job]).code == 0
        later = taken(warehouse.root)  # what it took to write the row and to print
        asked = {"spark": 0, **store.clients()}
        row = counted(warehouse, job)
        made = {name.removeprefix("store_requests_"): row[name] + later.get(name, 0) for name in CLIENTS}
        assert made == asked, job
        assert bool(row[SPARK]) == (engine == "spark" and job in ("engagement", "influence"))


def test_a_failed_run_counts_them_too(warehouse: Warehouse, store: ObjectStore) -> None:
    taken(warehouse.root), store.clients()
    with suppress(UsageError), runs.recorded(warehouse, "checks", date(2026, 11, 3), runs.Batch("test")):
        warehouse.read(COVERAGE)
        raise UsageError("wrong")
    (row,) = warehouse.read(RUNS).to_pylist()
    assert row["status"] == runs.FAILED
    made = Counter(json.loads(row["counts"])) + Counter(taken(warehouse.root))
    assert {name.removeprefix("store_requests_"): count for name, count in made.items()} == store.clients()
    assert json.loads(row["counts"])[DELTALAKE] > 0


def test_repeated_requests_count_too(warehouse: Warehouse, store: ObjectStore, spark: SparkSession) -> None:
    numbers = f"s3a://{warehouse.root.removeprefix('s3://')}/numbers"
    spark.range(3).write.parquet(numbers)
    warehouse.version(COVERAGE)
    calls: dict[str, Callable[[], object]] = {
        ARROW: lambda: warehouse.version(COVERAGE),
        DELTALAKE: lambda: warehouse.own(COVERAGE),
        SPARK: lambda: spark.read.parquet(numbers).collect(),
    }
    for client, call in calls.items():
        taken(warehouse.root)
        store.fail(*(Fault("slow_down", kind, times=2) for kind in ("HEAD", "GET", "LIST")))
        store.clients(), store.counts()
        call()
        asked = store.clients()[client.removeprefix("store_requests_")]
        assert taken(warehouse.root) == {client: asked}
        assert asked == store.counts().total() > 2


def test_an_opened_table_is_asked_about_only_as_the_newest(warehouse: Warehouse, store: ObjectStore) -> None:
    version = warehouse.version(COVERAGE)
    store.counts()
    warehouse.delta(COVERAGE, version)
    assert store.counts() == {}
    warehouse.delta(COVERAGE)
    assert store.counts() == {"HEAD": 1}


@pytest.fixture
def day_of_coverage(warehouse: Warehouse, arrow_rows: ArrowRows) -> str:
    """One row of `coverage`, in one file, whose path below the table it returns."""
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{"day": date(2026, 11, 3)}]), {}, run_id="r", job="j")
    (file,) = pruning.files(warehouse.delta(COVERAGE))["path"].to_pylist()
    return unquote(file)


@pytest.mark.usefixtures("day_of_coverage")
def test_a_small_file_is_read_once(warehouse: Warehouse, store: ObjectStore) -> None:
    version = warehouse.version(COVERAGE)
    store.counts()
    rows = warehouse.read(COVERAGE, version=version)
    assert store.counts() == {"GET": 1}
    assert warehouse.read(COVERAGE, version=version) == rows
    assert Warehouse(warehouse.root).read(COVERAGE) == rows
    assert store.counts()["GET"] == 1  # of `_last_checkpoint`


@pytest.mark.usefixtures("day_of_coverage")
@pytest.mark.parametrize("bound", ["SMALL_BYTES", "KEPT_BYTES"])
def test_other_files_are_read_as_often_as_asked(
    warehouse: Warehouse, store: ObjectStore, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one request if their footer says enough, because their size is in the log."""
    monkeypatch.setattr(small_files, bound, 0)
    version = warehouse.version(COVERAGE)
    store.counts()
    for _ in range(2):
        assert warehouse.dataset(COVERAGE, version=version).count_rows() == 1
        assert store.counts() == {"GET": 1}


@pytest.mark.usefixtures("day_of_coverage")
def test_rows_of_partitions_are_counted_in_the_log(warehouse: Warehouse, store: ObjectStore) -> None:
    version = warehouse.version(COVERAGE)
    store.counts()
    assert warehouse.row_count(COVERAGE, {"day": date(2026, 11, 3)}, version) == 1
    assert warehouse.row_count(COVERAGE, {"day": date(2026, 11, 4)}, version) == 0
    assert store.counts() == {}


@pytest.mark.parametrize("small", [small_files.SMALL_BYTES, 0])
def test_a_missing_file_is_named(
    warehouse: Warehouse, day_of_coverage: str, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that was opened before the file was replaced and removed still names it."""
    monkeypatch.setattr(small_files, "SMALL_BYTES", small)
    warehouse.delta(COVERAGE)
    object_files.movable(warehouse.path(COVERAGE), warehouse.options).delete_file(day_of_coverage)
    missing = re.escape(f"{warehouse.path(COVERAGE)}/{day_of_coverage}: this file of the table is missing")
    with pytest.raises(GoneError, match=missing):
        warehouse.reader(COVERAGE, {})


@pytest.mark.usefixtures("day_of_coverage")
def test_a_further_check_of_a_wait_reads_nothing_again(warehouse: Warehouse, store: ObjectStore) -> None:
    """Each check opens the tables anew."""
    day = date(2026, 11, 3)

    def lacking() -> list[str]:
        opened = Warehouse(warehouse.root)
        return readiness.missing(opened, ["test", "late"], day, day, datetime.now(UTC), settle_hours=0)

    first = lacking()
    store.counts()
    assert lacking() == first
    assert store.counts() == {"LIST": 3, "GET": 2}


@pytest.mark.integration
def test_a_warehouse_on_disk_counts_no_requests(tmp_path: Path) -> None:
    warehouse = Warehouse(str(tmp_path))
    warehouse.create_tables()
    with runs.recorded(warehouse, "checks", date(2026, 11, 3), runs.Batch("test")):
        warehouse.version(COVERAGE)
    assert counted(warehouse, "checks") == {}


def test_lost_reports_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel drops datagrams that find no room. The next one says how many."""
    monkeypatch.setattr(os, "environ", dict(os.environ))  # Arrow's client goes on to report to the first address
    monkeypatch.setattr(store_requests, "WAITING_BYTES", 1)  # room for a few
    reports, sender = store_requests._Reports(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    event = f'{{"Type":"ApiCallAttempt","Service":"S3","ClientId":"{os.environ["AWS_CSM_CLIENT_ID"]}"}}'
    address = os.environ["AWS_CSM_HOST"], int(os.environ["AWS_CSM_PORT"])

    def send(times: int) -> None:
        for _ in range(times):
            sender.sendto(event.encode(), address)

    with sender:
        with reports._lock:
            send(1000)
        reports.counts()
        send(1)
    counts = reports.counts()
    assert counts[ARROW] < 1001
    assert counts[ARROW] + counts[LOST] == 1001


def test_a_dead_jvm_fails_no_run(store_environment: dict[str, str]) -> None:
    environment = os.environ | store_environment
    ended = subprocess.run([sys.executable, "-c", DEAD_JVM], env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "{}\n"), ended.stderr
