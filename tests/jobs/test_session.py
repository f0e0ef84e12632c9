"""The settings file: what Spark reads in it, `jobs.session` reads too."""

from pathlib import Path

import pytest

from jobs import session
from jobs.errors import UsageError

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
def file(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "spark.conf"
    monkeypatch.setenv("CLOUT_SPARK_SETTINGS", str(path))
    return path


def test_every_form_of_a_setting_is_read(file):
    file.write_text(EVERY_FORM, encoding="utf-8")
    assert session.settings() == READ


def test_spark_reads_the_same(file, spark):
    """By the function that `spark-submit` reads its file with."""
    file.write_text(EVERY_FORM, encoding="utf-8")
    read = spark._jvm.org.apache.spark.util.Utils.getPropertiesFromFile(str(file))
    entries = read.iterator()
    theirs = {}
    while entries.hasNext():
        entry = entries.next()
        theirs[entry._1()] = entry._2()
    assert theirs == session.settings()


def test_our_own_file_is_read():
    assert session.settings()["spark.driver.memory"] == "3g"


def test_a_file_that_is_not_there_is_one_line(file):
    with pytest.raises(UsageError, match=r"spark\.conf: expected Spark's settings, got .*No such file"):
        session.settings()
