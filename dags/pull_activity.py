"""## What happened on the platforms yesterday

**Arrives**: one UTC day of each enabled source (`infra/sources.yaml`, or the file that `$CLOUT_SOURCES` names), in the tables
`activity`, `accounts`, `rejects` and `coverage`. Each source is a mapped task in its own pool. The failure of one task does not
stop the others. Tasks are idempotent: a rerun replaces only the rows of its source and day. Each pulled day adds an event to
the source's asset, `clout://warehouse/activity/SOURCE`.

**Read by** `score_influence`, which waits for the day's `coverage`.

**When it fails**: a day is late, missing or partial: `infra/runbooks/late_or_missing_day.md`. Days that were never pulled, or a
new source: `infra/runbooks/backfill.md`.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from dags import notify
from dags.common import ACTIVITY, DAY, DEADLINE, ENVIRONMENT, NIGHTLY, settings
from dags.operators import PullOperator

RUNBOOK = "late_or_missing_day.md"
# Bluesky's servers forget a day 36 hours after it began, and other platforms soon after: by then somebody must look.
NOON = timedelta(hours=12)

with DAG(
    "pull_activity",
    schedule=NIGHTLY,
    doc_md=__doc__,
    deadline=notify.deadline(NOON if DEADLINE else None, RUNBOOK, "the day to be pulled"),
    **settings(runbook=RUNBOOK),
) as dag:

    @task
    def pulls(day: str) -> list[dict[str, Any]]:
        """Returns the arguments of the mapped task `pull`, one set for each enabled source that has data of the day."""
        import logging
        from datetime import date

        from dags.pools import of_source
        from jobs.places import sources_file
        from jobs.sources.entries import enabled_entries, enabled_sources

        pulled_day = date.fromisoformat(day)
        for entry in enabled_entries(sources_file()):
            if not entry.has(pulled_day):
                logging.getLogger(__name__).info("source %s: does not have %s; not pulled", entry, day)
        return [
            {
                "source": spec.id,
                "pool": of_source(spec.id),
                "minutes": spec.minutes,
                "arguments": ["pull", "--day", day, "--settle", *_options(spec.arguments), "--verbose"],
            }
            for spec in enabled_sources(sources_file(), pulled_day)
        ]

    def _options(sources: tuple[str, ...]) -> list[str]:
        return [word for source in sources for word in ("--source", source)]

    PullOperator.partial(
        task_id="pull",
        map_index_template="{{ task.source }}",
        environment=ENVIRONMENT,
        outlets=[ACTIVITY],
        # Retries after 10, 20 and 40 minutes, then every hour for 12 hours: an archive may be late, a platform may limit
        # requests, a day may not be settled yet. Scoring stops waiting earlier (`wait_hours`).
        retries=15,
        retry_delay=timedelta(minutes=10),
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(hours=1),
        # A day of files takes minutes; a hanging pull is retried in the same night. A platform's budget may extend it.
        execution_timeout=timedelta(hours=2),
    ).expand_kwargs(pulls(DAY))
