"""The same pulls give the same rows, column for column, and a rerun touches its own day alone.

Whatever the order of days, who else is at work, the clock's zone, the language, the hash seed and the number of cores.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from pyspark.sql import SparkSession

from jobs import checks, comet, day_range, engagement, influence, publish
from jobs.places import ROOT
from jobs.session import build
from jobs.sources.spec import parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.arrow import sorted_by_grain
from schemas.catalog import TABLES
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.legal_bases import LEGAL_BASES
from schemas.methodology import load
from schemas.publications import PUBLICATIONS
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.scores import SCORES
from schemas.table import Table
from tests.grounds import publish_everybody
from tests.jobs.by_spark import by_spark_alone
from tests.jobs.world import files
from tests.tiny_days import QUICK_JAVA

OFFICIAL = load("2026.11")
SOURCE = "sample=people=300,seed=5"
DAYS = [date(2026, 3, 1) + timedelta(n) for n in range(4)]
SCORED = (ENGAGEMENT, INFLUENCE, SCORES)
# All but tables that know a clock, and the legal basis that only some of these warehouses have.
OF_CONTENT = tuple(table for table in TABLES if table not in (RUNS, PUBLICATIONS, LEGAL_BASES))


def pull(warehouse: Warehouse, first_day: date, last_day: date) -> None:
    params = day_range.Params(
        sources=parse_specs([SOURCE]), first_day=first_day, last_day=last_day, score_from=last_day, methodology=OFFICIAL
    )
    day_range.pull(warehouse, params, day_range.plan(warehouse, params), lambda _: None, lambda _: None)


def score(warehouse: Warehouse, day: date) -> None:
    """One day by itself, as a scheduled night does it."""
    session, batch = build, Batch(f"score {day}")
    engagement.run(session, warehouse, engagement.Params(day=day, first_day=OFFICIAL.first_day(day)), batch)
    influence.run(session, warehouse, influence.Params(day=day, methodology=OFFICIAL), batch, "memory")
    checks.run(warehouse, checks.Params(day=day, methodology=OFFICIAL.version), batch)
    publish.run(warehouse, publish.Params(day=day, methodology=OFFICIAL), batch)


def assert_same(found: Warehouse, expected: Warehouse, tables: tuple[Table, ...], **partition: date) -> None:
    for table in tables:
        columns = [name for name in table.column_names if name != "pull"]  # the id of the run that pulled
        ours, theirs = (
            sorted_by_grain(table, warehouse.read(table, partition)).select(columns) for warehouse in (found, expected)
        )
        assert ours.equals(theirs), f"{table.name}: {ours.num_rows} rows, expected {theirs.num_rows} the same"


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Warehouse, str], Warehouse]:
    """A warehouse that begins as a copy of another one."""
    folder = tmp_path_factory.mktemp("copies")
    return lambda of, name: Warehouse(str(shutil.copytree(of.root, folder / name)))


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Four days pulled, nothing counted."""
    warehouse = Warehouse(str(tmp_path_factory.mktemp("same") / "pulled"))
    warehouse.create_tables()
    publish_everybody(warehouse)
    pull(warehouse, DAYS[0], DAYS[-1])
    return warehouse


@pytest.fixture(scope="module")
def expected(pulled: Warehouse, copies: Callable[[Warehouse, str], Warehouse]) -> Warehouse:
    """The last two days scored as `clout run` does it: every day counted in one go, then scored in ascending order."""
    warehouse = copies(pulled, "ascending")
    params = day_range.Params(
        sources=parse_specs([SOURCE]), first_day=DAYS[0], last_day=DAYS[-1], score_from=DAYS[2], methodology=OFFICIAL
    )
    plan = day_range.Plan(Batch("ascending"), {}, params.scored_days, False)
    assert [scored.day for scored in day_range.score(warehouse, params, plan)] == DAYS[2:]
    assert len({row["person_id"] for row in warehouse.read(SCORES).to_pylist()}) > 100  # there is something to compare
    return warehouse


@pytest.mark.parametrize("place", [nullcontext, by_spark_alone])
def test_days_at_the_same_time(
    spark: SparkSession,
    pulled: Warehouse,
    expected: Warehouse,
    copies: Callable[[Warehouse, str], Warehouse],
    place: Callable[[], AbstractContextManager[None]],
) -> None:
    """Both find the whole of their common window not counted yet, and count it."""
    warehouse = copies(pulled, f"parallel {place.__name__}")
    together = Barrier(2)

    def at_once(day: date) -> None:
        together.wait()
        score(warehouse, day)

    with place(), ThreadPoolExecutor(2) as pool:
        list(pool.map(at_once, DAYS[2:]))
    assert_same(warehouse, expected, SCORED)


@pytest.mark.integration
def test_a_rerun_of_a_day_touches_no_other(expected: Warehouse, copies: Callable[[Warehouse, str], Warehouse]) -> None:
    """Pulled, counted, scored and published again: the same rows in new files; the log names the same files for all else."""
    warehouse = copies(expected, "rerun")
    before = {table.name: files(warehouse, table) for table in OF_CONTENT}
    pull(warehouse, DAYS[2], DAYS[2])
    score(warehouse, DAYS[2])
    assert_same(warehouse, expected, OF_CONTENT)
    for table in OF_CONTENT:
        after = files(warehouse, table)
        assert after.keys() == before[table.name].keys()
        changed = {place for place, paths in after.items() if paths != before[table.name][place]}
        assert changed == {place for place in after if DAYS[2] in place}, table.name


@pytest.mark.integration
def test_days_in_descending_order_and_one_scored_before_an_earlier_one_was_pulled(
    expected: Warehouse, tmp_path: Path
) -> None:
    """It is right for what was there, and once that day is pulled, a rerun is right for all."""
    warehouse = Warehouse(str(tmp_path / "late"))
    warehouse.create_tables()
    publish_everybody(warehouse)
    pull(warehouse, DAYS[1], DAYS[3])
    score(warehouse, DAYS[3])
    early = warehouse.read(INFLUENCE, {"day": DAYS[3]})
    assert set(early["window_coverage"].to_pylist()) == {3 / 180}
    pull(warehouse, DAYS[0], DAYS[0])
    score(warehouse, DAYS[3])
    score(warehouse, DAYS[2])
    assert_same(warehouse, expected, (*SCORED, COVERAGE))
    assert not sorted_by_grain(INFLUENCE, early).equals(
        sorted_by_grain(INFLUENCE, warehouse.read(INFLUENCE, {"day": DAYS[3]}))
    )
    (restated,) = warehouse.read(RESTATEMENTS).to_pylist()
    assert (restated["day"], json.loads(restated["why"])["activity_days"]) == (DAYS[3], [str(DAYS[0])])


def test_with_comet(
    spark: SparkSession,
    pulled: Warehouse,
    expected: Warehouse,
    copies: Callable[[Warehouse, str], Warehouse],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """These days are so small that Comet would leave them to the JVM, and Spark their acts to DuckDB."""
    if not comet.is_loaded(spark):
        pytest.skip("this session works without Comet (no jar, or a machine that cannot run it)")
    warehouse = copies(pulled, "comet")
    monkeypatch.setattr(comet, "LEAST_ROWS", 0)
    with by_spark_alone():
        score(warehouse, DAYS[3])
    assert_same(warehouse, expected, (ENGAGEMENT,))
    assert_same(warehouse, expected, (INFLUENCE, SCORES), day=DAYS[3])


# Brings up the loopback of a new network, tries to reach others, and becomes the command.
CUT_OFF = """
import fcntl, os, socket, struct, sys
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
for address in (("192.0.2.1", 443), ("8.8.8.8", 53)):
    try:
        socket.create_connection(address, timeout=5)
    except OSError as error:
        print("cut off:", error.strerror, flush=True)
os.execv(sys.executable, [sys.executable, "-m", "jobs", *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def unshare() -> list[str]:
    """A command that runs another in a network of its own; none where the system does not allow it."""
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    allowed = (
        shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    )
    return command if allowed else []


@pytest.fixture(scope="module")
def elsewhere(unshare: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, list[str]]:
    """The warehouse and the output of another process: with another clock, language (whose letters i are other ones), hash seed
    and number of cores, and without a network where that is possible."""
    environment = os.environ | {
        "CLOUT_WAREHOUSE": str(tmp_path_factory.mktemp("elsewhere") / "warehouse"),
        "CLOUT_SPARK_MASTER": "local[1]",
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "tr_TR.UTF-8",
        "JAVA_TOOL_OPTIONS": f"-Duser.language=tr -Duser.country=TR {QUICK_JAVA}",
        "PYTHONHASHSEED": "7",
    }
    begin = [*unshare, sys.executable, "-c", CUT_OFF] if unshare else [sys.executable, "-m", "jobs"]
    days = ["--first-day", str(DAYS[0]), "--last-day", str(DAYS[3]), "--score-from", str(DAYS[2])]
    ended = subprocess.run(
        [*begin, "run", "--source", SOURCE, *days],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return Warehouse(environment["CLOUT_WAREHOUSE"]), ended.stdout.splitlines()


@pytest.mark.system
def test_another_machine(elsewhere: tuple[Warehouse, list[str]], expected: Warehouse) -> None:
    assert_same(elsewhere[0], expected, OF_CONTENT)


@pytest.mark.system
def test_a_run_works_with_the_network_cut(unshare: list[str], elsewhere: tuple[Warehouse, list[str]]) -> None:
    if not unshare:
        pytest.skip("this system does not allow a network namespace (`unshare --net`)")
    assert elsewhere[1][:2] == ["cut off: Network is unreachable"] * 2
