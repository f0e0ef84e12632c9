"""## Scores, validated against what happened next

**Arrives**: rows of `validations` for the Sunday before the week: how well that day's scores predicted who was engaged with
during the week, compared with simple baselines. The DAG changes no score.

**Read by** analysts, and by `clout validate`, whose page shows the figures over time.

**When it fails**: the table lacks one day, and nothing else depends on it. The day may not be scored
(`infra/runbooks/late_or_missing_day.md`), or days after it were pulled and not counted yet (`infra/runbooks/backfill.md`). Then
clear the task.
"""

from airflow.sdk import DAG, CronDataIntervalTimetable

from dags.common import ENVIRONMENT, settings
from dags.operators import CloutOperator

MONDAYS = CronDataIntervalTimetable("0 14 * * 1", timezone="UTC")  # after repair of the week's last day

# The data interval begins on a Monday. The scores are of the Sunday before it, and the seven days from that Monday are ahead.
DAY = "{{ macros.ds_add(data_interval_start | ds, -1) }}"

with DAG(
    "validate", schedule=MONDAYS, max_active_runs=1, doc_md=__doc__, **settings(runbook="late_or_missing_day.md")
) as dag:
    CloutOperator(
        task_id="validate",
        arguments=["validate", "--day", DAY, "--record", "--verbose"],
        environment=ENVIRONMENT,
    )
