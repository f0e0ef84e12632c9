"""Shared by the DAGs: schedule, owner, default arguments, and the tasks that call clout.

A task runs the command that an operator would type, in the environment that `infra/setup.sh` exports (`clout`, `spark-submit`
and Java of `.venv`). Paths and settings are macros: the worker evaluates them when it runs the task, so the serialized DAG
holds none of them.
"""

import os
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, AssetAlias, CronDataIntervalTimetable, ExceptionRetryPolicy, RetryAction, RetryRule

from dags import notify, pools
from dags.operators import CloutOperator, SparkOperator
from jobs.errors import RefusedError, UsageError

DAY = "{{ data_interval_start | ds }}"

# Runs of a bare cron string have an empty data interval, and asset-triggered runs have none: neither names a day to backfill.
NIGHTLY = CronDataIntervalTimetable("0 0 * * *", timezone="UTC")

SCORES = Asset("scores", uri="clout://warehouse/scores")
ACTIVITY = AssetAlias("activity")  # resolves to one asset per source: clout://warehouse/activity/SOURCE


def deadline_of(text: str) -> timedelta | None:
    """`HH:MM` UTC as the time since midnight; None for `off`. Raises `UsageError` for any other text."""
    if text == "off":
        return None
    try:
        at = datetime.strptime(text, "%H:%M")
    except ValueError as error:
        raise UsageError(f"CLOUT_DEADLINE={text}: expected HH:MM, a time of day in UTC, or off") from error
    return timedelta(hours=at.hour, minutes=at.minute)


# No macros: Airflow needs these values when it parses the DAG, to show the owner and to schedule the deadline.
DEADLINE = deadline_of(os.environ.get("CLOUT_DEADLINE", "08:00"))
OWNER = os.environ.get("CLOUT_OWNER", "clout")
OWNER_LINK = os.environ.get("CLOUT_OWNER_LINK", "mailto:clout@localhost")


def warehouse() -> str:
    """`$CLOUT_WAREHOUSE`, or else the default warehouse for the enabled sources, real or simulated. All tasks of a run use it.
    Raises `UsageError` if no source is enabled, or real and simulated ones are."""
    from jobs.places import sources_file, warehouse_root
    from jobs.sources.entries import enabled_sources
    from jobs.sources.spec import are_simulated

    return warehouse_root(simulated=are_simulated(enabled_sources(sources_file())))


def spark_application() -> str:
    """Path of the Python file that `spark-submit` runs."""
    from jobs.places import ROOT

    return str(ROOT / "jobs" / "__main__.py")


def spark_jars() -> str:
    """Paths of the jars of GraphFrames and of S3's client, separated by commas; without those that are not installed or not
    needed."""
    from jobs.session import graphframes_jars, s3_jars

    return ",".join([*graphframes_jars(), *s3_jars()])


def spark_class_path() -> str:
    """Class path of the driver's JVM beside Spark's jars; empty if Comet is not installed and the settings name none."""
    from jobs.comet import class_path
    from jobs.session import settings

    return class_path(settings())


def spark_settings() -> str:
    """Path of the file with Spark's settings."""
    from jobs.session import settings_file

    return str(settings_file())


def java_options(day: str) -> str:
    """Options of the driver's JVM for a night of this UTC day (YYYY-MM-DD)."""
    from jobs import session
    from jobs.warehouse.storage import Warehouse
    from jobs.warehouse.window import row_count
    from schemas.methodology import load
    from schemas.versions import official

    night = date.fromisoformat(day)
    return session.java_options(row_count(Warehouse(warehouse()), load(official(night)), [night]))


MACROS = (warehouse, spark_application, spark_jars, spark_class_path, spark_settings, java_options)
ENVIRONMENT = {"CLOUT_WAREHOUSE": "{{ warehouse() }}"}


def settings(runbook: str) -> dict[str, Any]:
    """Arguments that every DAG passes to `DAG`. `runbook` is the file of `infra/runbooks` that notices of failures name, unless
    a task has its own callback."""
    return {
        "start_date": datetime(
            2005, 1, 1, tzinfo=UTC
        ),  # before any archive begins, so that a backfill can reach all of it
        "catchup": False,  # after an outage Airflow does not run all missed days; an operator backfills them
        "dagrun_timeout": timedelta(hours=20),  # ends a hanging run before the next night begins
        "user_defined_macros": {macro.__name__: macro for macro in MACROS},
        "default_args": {
            "owner": OWNER,
            # For transient failures: Airflow was stopped during the task, or a store did not answer.
            "retries": 2,
            "retry_delay": timedelta(minutes=1),
            # No retry of a wrong command, nor of data that failed its checks: both would fail again.
            "retry_policy": ExceptionRetryPolicy([RetryRule([UsageError, RefusedError], RetryAction.FAIL)]),
            "execution_timeout": timedelta(minutes=10),  # for tasks without a JVM, which take seconds
            "on_failure_callback": notify.TaskFailed(runbook=runbook),
        },
        "on_failure_callback": notify.RunTimedOut(runbook=runbook),
        "owner_links": {OWNER: OWNER_LINK},
        "tags": ["clout"],
    }


def clout(
    command: str, *arguments: str, operator: type[CloutOperator] = CloutOperator, **options: Any
) -> CloutOperator:
    """A task that runs `clout COMMAND --day DAY ARGUMENT... --verbose`, for commands without a JVM."""
    return operator(
        task_id=command,
        arguments=[command, "--day", DAY, *arguments, "--verbose"],
        environment=ENVIRONMENT,
        **options,
    )


def spark_job(command: str, *arguments: str, **options: Any) -> SparkOperator:
    """A task that runs `clout COMMAND ARGUMENT... --verbose` by `spark-submit`, on the master that connection `spark_default`
    names.

    The driver runs on the Airflow worker, whatever the master, because it needs clout's environment. Executors need no part of
    clout: jobs are expressions of Spark SQL, without Python functions.
    """
    return SparkOperator(
        task_id=command,
        name=f"clout-{command}",
        application="{{ spark_application() }}",
        application_args=[command, *arguments, "--verbose"],
        deploy_mode="client",
        jars="{{ spark_jars() }}",
        driver_class_path="{{ spark_class_path() }}",
        properties_file="{{ spark_settings() }}",
        conf={"spark.driver.extraJavaOptions": "{{ java_options(data_interval_start | ds) }}"},
        env_vars=ENVIRONMENT,
        pool=pools.SPARK,
        **{"execution_timeout": timedelta(hours=2)} | options,  # a day of 300 thousand people takes one minute
    )
