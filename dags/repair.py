"""## Late and partial days, repaired

**Arrives**: partial days of the last `repair_days` pulled again, and published days of the last `rescore_days` that became
stale scored again, newest first, each with its row in `restatements` (settings: `infra/nights.yaml`). Older days stay as they
are; `clout stale` lists them with the command that fixes them.

**Read by** BI tools and everybody else, from `scores`.

**When it fails**: published scores stay. `infra/runbooks/late_or_missing_day.md`; for days beyond its reach
`infra/runbooks/backfill.md`.
"""

from datetime import timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from dags.common import DAY, settings, spark_job

# After score_influence, which waits until 06:00 at most and must publish by 08:00.
MORNING = CronDataIntervalTimetable("0 10 * * *", timezone="UTC")

with DAG(
    "repair", schedule=MORNING, max_active_runs=1, doc_md=__doc__, **settings(runbook="late_or_missing_day.md")
) as dag:
    # At most seven days to pull and seven to score; a night's timeout is two hours for one.
    spark_job("repair", "--day", DAY, execution_timeout=timedelta(hours=8))
