"""What the DAGs share: how a task calls clout, for which day, on which warehouse.

A task runs what an operator would type, in the environment that `infra/setup.sh` exports (`clout`, `spark-submit` and Java of
`.venv`); its log begins with the command.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import CronDataIntervalTimetable

from jobs.places import ROOT, sources_file, warehouse_root
from jobs.session import JAVA_OPTIONS, jars, settings_file

DAY = "{{ data_interval_start | ds }}"
ENVIRONMENT = {"CLOUT_WAREHOUSE": "{{ warehouse() }}"}


def warehouse() -> str:
    """`$CLOUT_WAREHOUSE`, or the default for the kind of sources that are enabled: the same for all tasks of a night."""
    from jobs.sources.spec import are_simulated, enabled_sources

    return warehouse_root(simulated=are_simulated(enabled_sources(sources_file())))


# A bare cron string has an empty data interval, and asset-triggered runs have none: neither could be backfilled.
NIGHTLY = CronDataIntervalTimetable("0 0 * * *", timezone="UTC")

SETTINGS: dict[str, Any] = {
    "start_date": datetime(2005, 1, 1, tzinfo=UTC),  # before any archive begins, so that a backfill can reach all of it
    "catchup": False,  # days that were missed are backfilled by an operator, not all at once when Airflow comes back
    "user_defined_macros": {"warehouse": warehouse},  # evaluated by the task: parsing reads no settings
    # Airflow that was stopped in the middle, a store that did not answer: both are over in a minute.
    "default_args": {"retries": 2, "retry_delay": timedelta(minutes=1)},
    "tags": ["clout"],
}


def clout(command: str, **settings: Any) -> BashOperator:
    """`clout COMMAND --day DAY`, without a JVM."""
    return BashOperator(
        task_id=command,
        bash_command=f"clout {command} --day {DAY} --verbose",
        env=ENVIRONMENT,
        append_env=True,
        **settings,
    )


def spark_job(command: str, **settings: Any) -> SparkSubmitOperator:
    """`clout COMMAND --day DAY` by `spark-submit`, on the master that connection `spark_default` names.

    The driver runs here whatever the master, because it needs clout's environment. Executors need nothing of ours but the
    jars: jobs are expressions of Spark SQL, without Python functions.
    """
    return SparkSubmitOperator(
        task_id=command,
        name=f"clout-{command}",
        application=str(ROOT / "jobs" / "__main__.py"),
        application_args=[command, "--day", DAY, "--verbose"],
        deploy_mode="client",
        jars=",".join(jars()),
        properties_file=str(settings_file()),
        conf={"spark.driver.extraJavaOptions": JAVA_OPTIONS},
        env_vars=ENVIRONMENT,
        max_active_tis_per_dag=1,  # across runs: a JVM takes 3 GB and all cores, and a backfill runs many days at once
        execution_timeout=timedelta(hours=2),  # a day of 300 thousand people takes one minute
        **settings,
    )
