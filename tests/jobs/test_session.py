"""The settings file: what Spark reads in it, `jobs.session` reads too."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from jobs import session
from jobs.errors import UsageError
from jobs.places import ROOT

EVERY_FORM = r"""
# a comment
! another one
spark.driver.memory=4g
spark.master: local[2]
spark.ui.enabled              false
  spark.eventLog.dir   =   /var/log/spark logs  
spark.app.name = caf\u00e9\tand \
    tea
spark.key\ with\:signs=value=with:signs
spark.empty=
spark.driver.extraJavaOptions -Dx=y -Dz:w
spark.twice=1
spark.twice=2
"""  # noqa: W291
READ = {
    "spark.driver.memory": "4g",
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.eventLog.dir": "/var/log/spark logs",
    "spark.app.name": "café\tand tea",
    "spark.key with:signs": "value=with:signs",
    "spark.empty": "",
    "spark.driver.extraJavaOptions": "-Dx=y -Dz:w",
    "spark.twice": "2",
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "spark.conf"
    monkeypatch.setenv("CLOUT_SPARK_SETTINGS", str(path))
    return path


def test_every_form_of_a_setting_is_read(file: Path) -> None:
    file.write_text(EVERY_FORM, encoding="utf-8")
    assert session.settings() == READ


def test_spark_reads_the_same(file: Path, spark: SparkSession) -> None:
    """By the function that `spark-submit` reads its file with."""
    file.write_text(EVERY_FORM, encoding="utf-8")
    assert spark._jvm is not None
    read = spark._jvm.org.apache.spark.util.Utils.getPropertiesFromFile(str(file))
    entries = read.iterator()
    theirs = {}
    while entries.hasNext():
        entry = entries.next()
        theirs[entry._1()] = entry._2()
    assert theirs == session.settings()


def test_our_own_file_is_read() -> None:
    assert session.settings()["spark.driver.memory"] == "3g"


def test_a_file_that_is_not_there_is_one_line(file: Path) -> None:
    with pytest.raises(UsageError, match=r"spark\.conf: expected Spark's settings, got .*No such file"):
        session.settings()


def test_no_heartbeat_of_a_busy_machine_is_late(spark: SparkSession) -> None:
    """Spark's own 10 and 120 seconds ended a comparison with a Java stack trace."""
    conf = spark.sparkContext.getConf()
    assert {name: conf.get(name) for name in session.LOCAL_SETTINGS} == session.LOCAL_SETTINGS


def test_the_handler_of_interrupts_is_not_sparks(spark: SparkSession) -> None:
    assert signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_IGN)  # as Python began


@pytest.mark.system
def test_a_java_that_does_not_start_says_why_in_one_line(tmp_path: Path) -> None:
    settings = tmp_path / "spark.conf"
    settings.write_text("spark.driver.memory 3x")
    program = "from jobs import session\ntry: session.build()\nexcept session.CloutError as error: print(error)"
    environment = os.environ | {"CLOUT_SPARK_SETTINGS": str(settings), "JAVA_TOOL_OPTIONS": "-Da=b"}
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (process.stdout, process.stderr) == (
        "Java did not start: Invalid maximum heap size: -Xmx3x (`--verbose` shows more)\n", "",
    )  # fmt: skip


def test_a_jvm_for_few_rows_compiles_once(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Faster code pays only for many rows."""
    file.write_text("spark.driver.memory 1g\n", encoding="utf-8")
    chosen = []

    class StartedError(Exception):
        pass

    def start(conf: SparkConf) -> None:
        chosen.append(conf.get("spark.driver.extraJavaOptions") or "")
        raise StartedError

    monkeypatch.setattr(session, "_start", start)
    monkeypatch.setattr(SparkContext, "_active_spark_context", None)
    for rows in (None, session.QUICK_ROWS + 1, session.QUICK_ROWS):
        with pytest.raises(StartedError):
            session.build(rows=rows)
    compiling = (session.LATE_JAVA, session.LATE_JAVA, session.QUICK_JAVA)
    assert chosen == [f"{session.JAVA_OPTIONS} {options}" for options in compiling]
