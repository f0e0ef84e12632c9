"""What the DAGs share: schedule, owner, default arguments, and how a task calls clout.

A task runs the command that an operator would type, in the environment that `infra/setup.sh` exports (`clout`, `spark-submit`
and Java of `.venv`); its log begins with the command. Paths and settings are macros: the task evaluates them where it runs, and
the serialized DAG holds none.
"""

import os
from datetime import UTC, datetime, time, timedelta
from typing import Any

from airflow.sdk import Asset, AssetAlias, CronDataIntervalTimetable, ExceptionRetryPolicy, RetryAction, RetryRule

from dags import notify, pools
from dags.operators import CloutOperator, SparkOperator
from jobs.errors import RefusedError, UsageError

DAY = "{{ data_interval_start | ds }}"

# A bare cron string has an empty data interval, and asset-triggered runs have none: neither could be backfilled.
NIGHTLY = CronDataIntervalTimetable("0 0 * * *", timezone="UTC")

SCORES = Asset("scores", uri="clout://warehouse/scores")
ACTIVITY = AssetAlias("activity")  # resolves to one asset per source: clout://warehouse/activity/SOURCE


def deadline_of(text: str) -> timedelta | None:
    """`HH:MM` UTC as the time since midnight, `off` as None. Raises `UsageError` if it is neither."""
    if text == "off":
        return None
    try:
        at = time.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"CLOUT_DEADLINE={text}: expected HH:MM, a time of day in UTC, or off") from error
    return timedelta(hours=at.hour, minutes=at.minute)


# Read when DAGs are parsed, because Airflow shows or schedules them with the DAG.
DEADLINE = deadline_of(os.environ.get("CLOUT_DEADLINE", "08:00"))
OWNER = os.environ.get("CLOUT_OWNER", "clout")
OWNER_LINK = os.environ.get("CLOUT_OWNER_LINK", "mailto:clout@localhost")


def warehouse() -> str:
    """`$CLOUT_WAREHOUSE`, or the default for the kind of sources that are enabled: the same for all tasks of a night."""
    from jobs.places import sources_file, warehouse_root
    from jobs.sources.spec import are_simulated, enabled_sources

    return warehouse_root(simulated=are_simulated(enabled_sources(sources_file())))


def spark_application() -> str:
    """The file that `spark-submit` runs."""
    from jobs.places import ROOT

    return str(ROOT / "jobs" / "__main__.py")


def spark_jars() -> str:
    """GraphFrames' jars if available, separated by commas."""
    from jobs.session import graphframes_jars

    return ",".join(graphframes_jars())


def spark_settings() -> str:
    """The file of Spark's settings."""
    from jobs.session import settings_file

    return str(settings_file())


def java_options() -> str:
    """Java's options for the driver."""
    from jobs.session import JAVA_OPTIONS

    return JAVA_OPTIONS


MACROS = (warehouse, spark_application, spark_jars, spark_settings, java_options)
ENVIRONMENT = {"CLOUT_WAREHOUSE": "{{ warehouse() }}"}


def settings(runbook: str) -> dict[str, Any]:
    """Arguments of every DAG. `runbook` is the file to open when the DAG fails, unless a task names another."""
    return {
        "start_date": datetime(
            2005, 1, 1, tzinfo=UTC
        ),  # before any archive begins, so that a backfill can reach all of it
        "catchup": False,  # an operator backfills missed days; Airflow does not run all of them when it comes back
        "dagrun_timeout": timedelta(hours=20),  # ends a hanging run before the next night begins
        "user_defined_macros": {macro.__name__: macro for macro in MACROS},
        "default_args": {
            "owner": OWNER,
            # Airflow was stopped in the middle, or a store did not answer: both are usually over in a minute.
            "retries": 2,
            "retry_delay": timedelta(minutes=1),
            # A retry would not help: the same command would be wrong again, and the same data would fail its checks again.
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
    """`clout COMMAND --day DAY ARGUMENT...`, without a JVM."""
    return operator(
        task_id=command,
        arguments=[command, "--day", DAY, *arguments, "--verbose"],
        environment=ENVIRONMENT,
        **options,
    )


def spark_job(command: str, *arguments: str, **options: Any) -> SparkOperator:
    """`clout COMMAND ARGUMENT...` by `spark-submit`, on the master that connection `spark_default` names.

    The driver runs here whatever the master, because it needs clout's environment. Executors need nothing of
    clout: jobs are expressions of Spark SQL, without Python functions.
    """
    return SparkOperator(
        task_id=command,
        name=f"clout-{command}",
        application="{{ spark_application() }}",
        application_args=[command, *arguments, "--verbose"],
        deploy_mode="client",
        jars="{{ spark_jars() }}",
        properties_file="{{ spark_settings() }}",
        conf={"spark.driver.extraJavaOptions": "{{ java_options() }}"},
        env_vars=ENVIRONMENT,
        pool=pools.SPARK,
        **{"execution_timeout": timedelta(hours=2)} | options,  # a day of 300 thousand people takes one minute
    )
