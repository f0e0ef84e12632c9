"""## How much attention everybody held at the end of yesterday, and why

**Arrives**: one UTC day of `scores` under the official methodology: counted (`engagement`), scored (`influence`), checked, then
published in one commit. The run waits until each enabled source covers the day and no pull of a day of the window is running.
`wait_hours` after its start (default 7) it continues anyway. It notifies the people on call if it published the day without a
source, with a partial source, or with a warning of its checks. Airflow notifies them if a nightly run has not ended by the
deadline (`CLOUT_DEADLINE`, default 08:00 UTC).

**Read by** BI tools and everybody else, from `scores`. Asset `clout://warehouse/scores` changes only when a checked day is
published; the event's extra holds day, methodology, people and run.

**When it fails**: if data is missing or a day was scored without all data: `infra/runbooks/late_or_missing_day.md`. If the
checks failed, so that nothing was published: `infra/runbooks/checks_failed.md`. To score days, or score them again:
`infra/runbooks/backfill.md`.
"""

from airflow.sdk import DAG, Param, task

from dags import notify
from dags.common import DAY, DEADLINE, NIGHTLY, SCORES, clout, settings, spark_job
from dags.in_order import WaitForEarlierDays
from dags.operators import PublishOperator
from dags.waiting import WaitForPulls

RUNBOOK = "late_or_missing_day.md"
PARAMS = {
    "wait_hours": Param(
        7,  # GitHub lists events up to 6 hours late; people read scores in the morning
        type="number",
        minimum=0,
        description="How long to wait for the day's pulls, from the start of the run. 0: do not wait.",
    ),
    "accept": Param(
        None,
        type=["null", "string"],
        description="Why to publish a day that is outside its bounds; stored with the publication.",
    ),
}

ACCEPT = "{{ '--accept=' ~ params.accept if params.accept else '' }}"

with DAG(
    "score_influence",
    schedule=NIGHTLY,
    doc_md=__doc__,
    params=PARAMS,
    deadline=notify.deadline(DEADLINE, RUNBOOK, "the day to be published"),
    **settings(runbook=RUNBOOK),
) as dag:

    @task
    def report(day: str, root: str) -> None:
        """Sends a notice for each shortfall of the published day, such as a missing source."""
        from datetime import date

        from jobs.nights.shortfalls import shortfalls
        from jobs.places import sources_file
        from jobs.sources.entries import enabled_sources
        from jobs.warehouse.storage import Warehouse
        from schemas.versions import official

        scored = date.fromisoformat(day)
        sources = [spec.id for spec in enabled_sources(sources_file(), scored)]
        notify.send_all(
            [
                notify.Notice(
                    "published, but incomplete",
                    scored,
                    lack.reason,
                    lack.runbook,
                    lack.source or notify.NO_SOURCE,
                )
                for lack in shortfalls(Warehouse(root), sources, scored, official(scored))
            ]
        )

    (
        WaitForPulls(
            task_id="wait_for_pulls", day=DAY, warehouse="{{ warehouse() }}", wait_hours="{{ params.wait_hours }}"
        )
        >> spark_job("engagement", "--day", DAY)
        >> spark_job("influence", "--day", DAY)
        >> WaitForEarlierDays(task_id="wait_for_earlier_days")
        >> clout("checks", ACCEPT, on_failure_callback=notify.TaskFailed(runbook="checks_failed.md"))
        >> clout(
            "publish",
            ACCEPT,
            operator=PublishOperator,
            outlets=[SCORES],
            on_failure_callback=notify.TaskFailed(runbook="checks_failed.md"),
        )
        >> report(DAY, "{{ warehouse() }}")
    )
