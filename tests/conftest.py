"""What every test may use: public data beside the project, rows of a contract, one Spark session, a warehouse.

`tests.tiers` says to which tier each test belongs, `tests.cores` where it runs, and `tests.in_memory` where it writes.
"""

import atexit
import gc
import logging
import os
import shutil
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import hypothesis
import pytest
import pytest_socket
import typer
from pyspark.sql import DataFrame, SparkSession
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from jobs import session
from jobs.session import settings
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.storage import rows as arrow_rows_of
from schemas.table import Table
from tests import in_memory
from tests.cluster import Cluster
from tests.cluster import cluster as started
from tests.cores import ALL, stay_on_one
from tests.filled_rows import filled
from tests.fixture_types import ArrowRows, FindFile, Records, SparkRows
from tests.grounds import publish_everybody
from tests.object_store import s3_jars, store, store_environment, store_server  # noqa: F401 # fixtures
from tests.tiers import IN_PROCESS, SYSTEM, TIERS, in_its_tier, tier
from tests.tiny_days import QUICK_JAVA, TINY_DAYS

ROOT = Path(__file__).parent.parent

# deltalake's, here and in processes that tests start. Several processes of tests keep all cores busy, so more threads would
# only wake each other, which takes a twentieth of the tests' time.
os.environ.setdefault("TOKIO_WORKER_THREADS", "1")

# A process of `clout` builds its command line once. Tests run hundreds of commands in one process, and to build it takes 16 ms.
typer.main.get_command = cache(typer.main.get_command)

# Timings are never asserted, also not by Hypothesis. In CI the same examples are drawn every time, and more of them; elsewhere
# other ones each time.
hypothesis.settings.register_profile(
    "clout",
    deadline=None,
    max_examples=300 if os.environ.get("CI") else 20,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("clout")

PROCESSES = 5
GROUPS = ("cluster", "spark", "higgs")  # fixtures that take long to make: one process runs all tests of each


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes of tests there are: one for each core if only tests run that start none of their own. Others wait for
    those that they started, so two cores need five processes. Each JVM for Spark takes up to 2 GB, so one process runs all
    tests that use Spark, and one all on a cluster."""
    return min(PROCESSES, len(ALL)) if config.option.markexpr in IN_PROCESS else PROCESSES


def pytest_configure(config: pytest.Config) -> None:
    if worker := getattr(config, "workerinput", None):
        stay_on_one(int(worker["workerid"].removeprefix("gw")))
    else:
        in_memory.register(config.pluginmanager)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skips folders that hold no test of the asked tier, because to import Airflow takes 3 s."""
    other_tier = config.option.markexpr in {*TIERS} - {"system"}
    return True if other_tier and collection_path in SYSTEM else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """Marks each test with its tier. Several processes begin with the groups and with long tests, so that short ones fill the
    end."""
    if "rehearsal" not in config.option.markexpr:
        rehearsals = [item for item in items if item.get_closest_marker("rehearsal")]
        items[:] = [item for item in items if item not in rehearsals]
        config.hook.pytest_deselected(items=rehearsals)
    tiers = {item: tier(item) for item in items}
    for item, name in tiers.items():
        item.add_marker(name)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: ((*GROUPS, "").index(group(item)), TIERS.index(tiers[item])))
        for item in items:
            if name := group(item):  # xdist 3.8.0 writes it where pytest 9.2 does not look for it
                item._id = type(item.id).parse(f"{item.nodeid}@{name}")


def group(item: pytest.Function) -> str:
    """The first of `GROUPS` that a test uses, or names by a marker because it asks for the fixture while it runs; else none."""
    return next((name for name in GROUPS if name in item.fixturenames or item.get_closest_marker(name)), "")


def whole(test_id: str) -> str:
    """What one process runs as a whole: the group that a test's id ends with, else the test's file."""
    return test_id.rpartition("]")[2].partition("@")[2] or test_id.partition("::")[0]


class _ByGroup(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return whole(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return _ByGroup(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None]:
    """Of what collecting creates nothing is garbage: to look for some would take a third of its time, and 3 % of the tests'
    after it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        # DuckDB reports what is never collected, such as all that Hypothesis's own callback would keep.
        atexit.register(gc.unfreeze)
        atexit.register(gc.callbacks.clear)
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """No test talks to anybody but this machine."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
    with in_its_tier(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    with in_its_tier(item):
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests never touch the user's own warehouse, nor follow the user's settings, nor wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "CLOUT_WAREHOUSE",
            "CLOUT_SOURCES",
            "CLOUT_NIGHTS",
            "CLOUT_SPARK_SETTINGS",
            "CLOUT_SPARK_MASTER",
            "CLOUT_MEMORY_GB",
            "CLOUT_SUPPRESSION_KEYS",
            "CLOUT_SUPPRESSION_JOURNAL",
        ):
            patch.delenv(name, raising=False)
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("home")))
        # No file of a test has to survive a power cut, and a flush takes 3 ms: a year of nights makes ten thousand. What
        # `tests/power_cut.py` cuts off is a process of its own, which does flush.
        patch.setattr(os, "fsync", lambda _: None)
        yield


def _beside(variable: str, default: str) -> FindFile:
    root = Path(os.environ.get(variable, ROOT.parent / "shared" / default))

    def find(name: str) -> Path:
        path = root / name
        if not path.exists():
            pytest.skip(f"{name} is not in {root} (set {variable} to where it is)")
        return path

    return find


@pytest.fixture(scope="session")
def data() -> FindFile:
    """`data("twitter-higgs/...")`: a file of public activity or an oracle; skips where it is absent."""
    return _beside("CLOUT_TEST_DATA", "data")


@pytest.fixture(scope="session")
def fixtures() -> FindFile:
    """`fixtures("github/...")`: recorded answers of a real API; skips where they are absent."""
    return _beside("CLOUT_TEST_FIXTURES", "fixtures")


@pytest.fixture(scope="session")
def cases() -> FindFile:
    """`cases("as_times.jsonl")`: an input that failed elsewhere, made small; skips where it is absent."""
    return _beside("CLOUT_TEST_CASES", "cases")


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The one Spark session of all tests; `jobs.session.build()` gives it too from then on. A test's days are tiny, so what
    takes its time is planning and compiling: this session interprets, and its JVM compiles quickly instead of well.
    `tests/jobs/test_same_rows.py` compares its rows with those of `clout` with `infra/spark-defaults.conf` alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "JAVA_OPTIONS", f"{session.JAVA_OPTIONS} {QUICK_JAVA}")
        patch.setattr(session, "s3_jars", s3_jars)  # a test may have its warehouse in an object store
        # Other tests' JVMs run beside this one.
        patch.setattr(session, "settings", lambda: settings() | {"spark.driver.memory": "2g"} | TINY_DAYS)
        built = session.build("local[2]")
    # It logs each connection's end, the last one's when the streams of pytest are closed.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    yield built
    built.stop()


@pytest.fixture(scope="session")
def higgs(data: FindFile, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A real week of seven days, pulled and counted, the last one scored and published. Not to be changed."""
    from tests.jobs import higgs as week

    made = Warehouse(str(tmp_path_factory.mktemp("higgs") / "warehouse"))
    week.pull(made, data)
    week.score(made)
    return made


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Spark cluster on this machine."""
    with started(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse with its tables, empty but for a legal basis. A copy takes a twentieth of the time of making it."""
    made = Warehouse(str(tmp_path_factory.mktemp("empty") / "warehouse"))
    made.create_tables()
    return publish_everybody(made)


@pytest.fixture
def warehouse(empty: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A warehouse with its tables, empty but for a legal basis, so that everybody is published."""
    monkeypatch.setenv(
        "CLOUT_SUPPRESSION_JOURNAL", str(tmp_path / "left.jsonl")
    )  # copies share the id of the warehouse
    return Warehouse(str(shutil.copytree(empty.root, tmp_path / "warehouse")))


@pytest.fixture(scope="session")
def arrow_rows() -> ArrowRows:
    """`arrow_rows(TABLE, [{...}])`: rows of a contract; columns that a record does not name are plain."""
    return lambda table, records: arrow_rows_of(table, [filled(table, record) for record in records])


@pytest.fixture(scope="session")
def rows(spark: SparkSession, arrow_rows: ArrowRows) -> SparkRows:
    """`rows(TABLE, [{...}])`: as `arrow_rows`, as a Spark frame."""
    from schemas import spark as contract

    def frame(table: Table, records: Records) -> DataFrame:
        return spark.createDataFrame(arrow_rows(table, records).to_pylist(), contract.schema(table))

    return frame
