"""## Late and partial days, repaired

**Arrives**: partial and missing days of the last `repair_days`, pulled again. Stale published days of the last `rescore_days`,
scored again, newest first. A changed score adds a row to `restatements`. Days that were pulled for the first time and that the
nightly runs skipped are scored too. People whose consent ended are removed from every published day. If a person's request is
overdue (`erase_by_days`), the task `overdue_requests` fails, which notifies the people on call. `infra/nights.yaml` holds the
settings. The DAG does not score older days; `clout stale` lists them with the command that scores them again.

**Read by** BI tools and everybody else, from `scores`.

**When it fails**: published scores remain. What to do: `infra/runbooks/late_or_missing_day.md`. For days before the last
`repair_days` or `rescore_days`: `infra/runbooks/backfill.md`.
"""

from datetime import timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from dags import notify
from dags.common import DAY, ENVIRONMENT, settings, spark_job
from dags.operators import CloutOperator

# After score_influence, which by default waits until 07:00 at most and has its deadline at 08:00.
MORNING = CronDataIntervalTimetable("0 10 * * *", timezone="UTC")

with DAG(
    "repair", schedule=MORNING, max_active_runs=1, doc_md=__doc__, **settings(runbook="late_or_missing_day.md")
) as dag:
    # By default at most seven days of each source to pull and seven days to score; a nightly task has two hours for one.
    spark_job("repair", "--day", DAY, execution_timeout=timedelta(hours=8))
    # Whether or not the repair succeeds.
    CloutOperator(
        task_id="overdue_requests",
        arguments=["person", "requests", "--overdue", "--verbose"],
        environment=ENVIRONMENT,
        retries=0,  # the same request would be overdue again
        on_failure_callback=notify.TaskFailed(runbook="leaving.md"),
    )
    CloutOperator(
        task_id="apply_consent",
        arguments=["consent", "apply", "--verbose"],
        environment=ENVIRONMENT,
        execution_timeout=timedelta(hours=2),
    )
