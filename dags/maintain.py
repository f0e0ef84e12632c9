"""## Small files, replaced files, checkpoints

**Arrives**: every table with its small files merged, files that were replaced longer than `keep_replaced_days` ago removed
(`infra/nights.yaml`), and its log checkpointed. No row changes, and the DAG is safe beside running nights.

**Read by** nobody; reading gets faster.

**When it fails**: tables stay as they were, and the next week's run does the rest. What to do: `infra/runbooks/maintenance.md`.
`infra/runbooks/withdraw_and_restore.md` restores from replaced files.
"""

from datetime import timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from dags.common import ENVIRONMENT, settings
from dags.operators import CloutOperator

SUNDAYS = CronDataIntervalTimetable("0 12 * * 0", timezone="UTC")  # after repair, long before the next night

with DAG("maintain", schedule=SUNDAYS, max_active_runs=1, doc_md=__doc__, **settings(runbook="maintenance.md")) as dag:
    CloutOperator(
        task_id="maintain",
        arguments=["maintain", "--verbose"],
        environment=ENVIRONMENT,
        execution_timeout=timedelta(hours=4),
    )
