"""A session uses Comet where it can, and its queries give the same bits."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from pyspark.sql import DataFrame, SparkSession

from jobs import comet
from jobs.errors import UsageError
from jobs.places import ROOT
from tests.tiny_days import large_days

GB = 1 << 30
X86 = "processor : 0\nflags : fpu sse4_2 " + " ".join(sorted(comet.FEATURES["x86_64"])) + "\n"


@pytest.fixture
def jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "comet.jar"
    path.touch()
    monkeypatch.setenv(comet.VARIABLE, str(path))
    return str(path)


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`able(7)`: this machine runs Comet's library, and this many GB are available."""

    def made(available_gb: float) -> None:
        monkeypatch.setattr(comet, "obstacle", lambda: None)
        monkeypatch.setattr(comet, "available_bytes", lambda _: int(available_gb * GB))

    return made


def added(jar: str, **chosen: str) -> dict[str, str]:
    """What Comet adds to these settings; `__` stands for a dot."""
    named = {name.replace("__", "."): value for name, value in chosen.items()}
    return comet.settings({"spark.master": "local[2]", comet.HEAP: "3g", comet.CLASS_PATH: f"/other.jar:{jar}"} | named)


# --- whether a session uses it ------------------------------------------------------------------------------------------


def test_the_jar_joins_the_users_own_class_path(jar: str) -> None:
    assert comet.class_path({}) == jar
    assert comet.class_path({comet.CLASS_PATH: "/other.jar"}) == f"/other.jar:{jar}"


def test_without_a_jar_spark_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(comet.VARIABLE, raising=False)
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    assert comet.class_path({}) == ""
    assert added("") == {}
    (tmp_path / "jars").mkdir()
    found = tmp_path / "jars" / "org.apache.datafusion_comet-spark-spark4.1_2.13-1.2.0.jar"
    found.touch()
    assert comet.class_path({}) == str(found)


def test_a_jar_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(comet.VARIABLE, "/nowhere/comet.jar")
    with pytest.raises(UsageError, match=r"^CLOUT_COMET_JAR: /nowhere/comet\.jar: no such file; expected a jar$"):
        comet.jar()


@pytest.mark.parametrize(
    ("available_gb", "off_heap"), [(4.9, 0), (5.0, GB), (8.0, 5 * GB // 2), (11.0, 4 * GB), (64.0, 4 * GB)]
)
def test_half_of_the_memory_beside_the_heap_is_comets(
    jar: str, able: Callable[[float], None], available_gb: float, off_heap: int
) -> None:
    able(available_gb)
    expected = comet.SETTINGS | {comet.EXTENSIONS: comet.EXTENSION, comet.OFF_HEAP: str(off_heap)}
    assert added(jar) == (expected if off_heap else {})


def test_one_setting_switches_it_off(jar: str, able: Callable[[float], None]) -> None:
    able(64)
    assert added(jar, spark__comet__enabled="false") == {}
    assert added(jar, spark__comet__enabled="true") != {}


def test_a_spark_submit_without_the_jar_works_without_comet(jar: str, able: Callable[[float], None]) -> None:
    able(64)
    assert comet.settings({"spark.master": "local[2]", comet.HEAP: "3g"}) == {}


def test_on_a_cluster_only_with_memory_that_the_user_sets(jar: str, able: Callable[[float], None]) -> None:
    able(64)
    cluster = {"spark__master": "spark://host:7077", "spark__jars": "/mine.jar", "spark__sql__extensions": "my.Own"}
    assert added(jar, **cluster) == {}
    named = added(jar, **cluster, spark__memory__offHeap__size="2g")
    assert (named[comet.OFF_HEAP], named["spark.jars"]) == ("2g", f"/mine.jar,{jar}")
    assert named[comet.EXTENSIONS] == f"my.Own,{comet.EXTENSION}"


def test_a_heap_that_java_refuses_is_left_to_java(jar: str, able: Callable[[float], None]) -> None:
    able(64)
    assert added(jar, spark__driver__memory="3x")[comet.OFF_HEAP] == str(4 * GB)


@pytest.mark.parametrize(
    ("machine", "libc", "processor", "obstacle"),
    [
        ("x86_64", "glibc 2.30", X86, None),
        ("x86_64", "glibc 2.28", X86, "the C library is glibc 2.28, expected glibc 2.30 or later"),
        ("x86_64", None, X86, "the C library is not glibc, expected glibc 2.30 or later"),
        ("x86_64", "glibc 2.36", X86.replace(" avx2", "").replace(" fma", ""), "the processor lacks avx2, fma"),
        ("aarch64", "glibc 2.36", X86, "the processor lacks " + ", ".join(sorted(comet.FEATURES["aarch64"]))),
        ("riscv64", "glibc 2.36", X86, "no library for linux on riscv64"),
    ],
)
def test_a_machine_that_cannot_run_the_library_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    libc: str | None,
    processor: str,
    obstacle: str | None,
) -> None:
    def confstr(name: str) -> str | None:
        if libc is None:
            raise ValueError(name)
        return libc

    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(processor)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("os.confstr", confstr)
    assert comet.obstacle(tmp_path) == obstacle


# --- the same bits ------------------------------------------------------------------------------------------------------


@pytest.fixture
def native(spark: SparkSession) -> Iterator[SparkSession]:
    """The session, compiling as in production; skips where it has no Comet."""
    if not comet.is_loaded(spark):
        pytest.skip("this session works without Comet (no jar, or a machine that cannot run it)")
    with large_days(spark):
        yield spark


def plan(frame: DataFrame) -> str:
    return frame._jdf.queryExecution().executedPlan().toString()


def test_few_rows_are_left_to_the_jvm(native: SparkSession, tmp_path: Path) -> None:
    parquet.write_table(pa.table({"number": [1]}), tmp_path / "one.parquet")

    def planned(rows: int) -> str:
        with comet.used_for(native, rows):
            return plan(native.read.parquet(str(tmp_path / "one.parquet")).groupBy("number").count())

    assert "Comet" not in planned(comet.LEAST_ROWS - 1)
    assert "CometHashAggregate" in planned(comet.LEAST_ROWS)
    assert "Comet" not in planned(0)


def test_every_function_of_the_scores_gives_the_bits_of_the_jvm(
    native: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`bash infra/bench.sh acts` compares ten million arguments."""
    monkeypatch.syspath_prepend(ROOT / "infra" / "bench")
    bits = importlib.import_module("bits")
    found = bits.differing(native, tmp_path, 200_000, seed=18)
    assert found == dict.fromkeys((*bits.FUNCTIONS, "score"), 0)


def test_comets_own_logarithm_would_differ(native: SparkSession, tmp_path: Path) -> None:
    """Otherwise `LOG2_IN_JVM` is not needed any more."""
    parquet.write_table(pa.table({"x": np.arange(1, 10_000) * 0.05}), tmp_path / "x.parquet")
    frame = native.read.parquet(str(tmp_path / "x.parquet"))
    switch = "spark.comet.expression.Log2.enabled"
    native.conf.set(switch, "true")
    try:
        with comet.used_for(native, comet.LEAST_ROWS):
            own = frame.selectExpr("log2(x) as y").toArrow()
    finally:
        native.conf.set(switch, "false")
    assert not own.equals(frame.selectExpr("log2(x) as y").toArrow())
