"""## What happened on the platforms yesterday

**Arrives**: one UTC day of each enabled source (`infra/sources.yaml`, or the file that `$CLOUT_SOURCES` names), in the tables
`activity`, `accounts`, `rejects` and `coverage`. Each source is a mapped task of its own; one that fails stops no other.
A task that runs again replaces its day of its source and nothing else.

**Read by** `score_influence`, which waits for the day's `coverage`.

**When it fails**: a day is late, missing or partial: `infra/runbooks/late_or_missing_day.md`. Days that were never pulled, or a
new source: `infra/runbooks/backfill.md`.
"""

from datetime import timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, task

from dags.common import DAY, ENVIRONMENT, NIGHTLY, SETTINGS

with DAG("pull_activity", schedule=NIGHTLY, doc_md=__doc__, **SETTINGS) as dag:

    @task
    def commands(day: str) -> list[str]:
        """What to pull, one command for each enabled source."""
        import shlex

        from jobs.places import sources_file
        from jobs.sources.spec import enabled_sources

        return [
            shlex.join(["clout", "pull", "--day", day, *_options(spec.arguments), "--verbose"])
            for spec in enabled_sources(sources_file())
        ]

    def _options(sources: tuple[str, ...]) -> list[str]:
        return [word for source in sources for word in ("--source", source)]

    BashOperator.partial(
        task_id="pull",
        map_index_template="{{ task.bash_command }}",
        env=ENVIRONMENT,
        append_env=True,
        max_active_tis_per_dag=3,  # of the four slots of infra/up.sh one is left for scoring; a backfill asks politely
        retries=4,  # after 10, 20, 40 and 60 minutes: an archive that comes late, a platform that asks to slow down
        retry_delay=timedelta(minutes=10),
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(hours=1),
        execution_timeout=timedelta(hours=2),  # a day takes minutes; one that hangs is tried again in the same night
    ).expand(bash_command=commands(DAY))
