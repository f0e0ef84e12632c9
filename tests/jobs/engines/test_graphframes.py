"""Where GraphFrames' JVM package is missing, asking for the engine says so; its sums are in test_same_bits.py."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import session
from jobs.engines import graphframes
from jobs.engines.graphframes import GraphFramesEngine
from jobs.errors import UsageError

RESOLVED = "io.graphframes_graphframes-spark4_2.13-0.12.2.jar"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What set-up made, without GraphFrames."""
    (tmp_path / "jars").mkdir()
    monkeypatch.setattr(session, "environment_folder", lambda: tmp_path)
    monkeypatch.delenv("CLOUT_GRAPHFRAMES_JARS", raising=False)
    return tmp_path


def names() -> list[str]:
    return [Path(path).name for path in session.graphframes_jars()]


def test_without_it_the_engine_says_how_to_get_it(environment: Path) -> None:
    assert names() == []
    with pytest.raises(UsageError) as error:
        GraphFramesEngine()
    assert str(error.value) == (
        "engine graphframes: its JVM package io.graphframes:graphframes-spark4_2.13:0.12.2 is not installed; list its"
        f" jars in CLOUT_GRAPHFRAMES_JARS, with commas, or let set-up try again: rm '{environment}/.clout/graphframes.stamp' &&"
        " bash infra/setup.sh (engine spark gives the same bits without it)"
    )


def test_as_set_up_resolved_it(environment: Path) -> None:
    (environment / "jars" / RESOLVED).touch()
    assert names() == [RESOLVED]
    GraphFramesEngine()


def test_the_users_own_take_the_place_of_it(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions of a class would be on one class path."""
    (environment / "jars" / RESOLVED).touch()
    own = [environment / "own.jar", environment / "graphx.jar"]
    for path in own:
        path.touch()
    monkeypatch.setenv("CLOUT_GRAPHFRAMES_JARS", ",".join(map(str, own)))
    assert names() == ["own.jar", "graphx.jar"]
    GraphFramesEngine()


@pytest.mark.parametrize(
    "line",
    [
        "spark.jars.packages  io.graphframes:graphframes-spark4_2.13:0.12.2",
        "spark.driver.extraClassPath /opt/graphframes/*",
    ],
)
def test_as_the_settings_name_it(environment: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    own = environment / "own.conf"
    own.write_text(f"spark.ui.enabled false\n{line}\n")
    monkeypatch.setenv("CLOUT_SPARK_SETTINGS", str(own))
    GraphFramesEngine()


def test_the_users_own_that_are_not_there(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reported by whatever needs a session, also of another engine."""
    (environment / "own.jar").touch()
    monkeypatch.setenv("CLOUT_GRAPHFRAMES_JARS", f"{environment}/own.jar,/nowhere/x.jar,/nowhere/y.jar")
    with pytest.raises(
        UsageError,
        match=r"^CLOUT_GRAPHFRAMES_JARS: /nowhere/x.jar, /nowhere/y.jar: no such file; expected jars, with commas$",
    ):
        session.graphframes_jars()


def test_under_spark_submit_the_class_path_decides(
    spark: SparkSession, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spark's own `--jars` and `--packages` are not known here."""
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "0")
    monkeypatch.setattr(graphframes, "ENTRY_CLASS", "org.apache.spark.sql.SparkSession")
    GraphFramesEngine()
    monkeypatch.setattr(graphframes, "ENTRY_CLASS", "org.graphframes.Elsewhere")
    with pytest.raises(
        UsageError, match=r"is not on Spark's class path; pass it to spark-submit with --packages or --jars$"
    ):
        GraphFramesEngine()
