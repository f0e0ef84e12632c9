"""Frames of few rows are kept uncompressed, all others as the session's settings say."""

from pyspark.sql import SparkSession

from jobs.kept_frames import MOST_ROWS, SETTING, uncompressed


def test_few_rows_alone_are_kept_uncompressed(spark: SparkSession) -> None:
    usual = spark.conf.get(SETTING)
    within = []
    for rows in (MOST_ROWS, MOST_ROWS + 1):
        with uncompressed(spark, rows):
            within.append(spark.conf.get(SETTING))
        assert spark.conf.get(SETTING) == usual == "true"
    assert within == ["false", "true"]


def test_days_that_are_scored_at_once_leave_the_setting_as_it_was(spark: SparkSession) -> None:
    one, other = uncompressed(spark, 1), uncompressed(spark, 1)
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    other.__exit__(None, None, None)
    assert spark.conf.get(SETTING) == "true"
