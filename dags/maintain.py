"""## Small files, replaced files, checkpoints

**Arrives**: every table with its small files merged and its log checkpointed, and the monthly copies `accounts_known` and
`histories` renewed. Files that were replaced more than `keep_replaced_days` ago are deleted, and so is data that has expired
(`infra/nights.yaml`). No row that counts changes, and the DAG can run at the same time as nightly runs.

**Read by** nobody. Queries of the tables become faster.

**When it fails**: the steps that succeeded remain, and the next weekly run does the rest. What to do:
`infra/runbooks/maintenance.md`. To restore scores from replaced files: `infra/runbooks/withdraw_and_restore.md`.
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
