"""## How much attention everybody held at the end of yesterday, and why

**Arrives**: one UTC day of `scores` under the official methodology: counted (`engagement`), scored (`influence`), checked,
then published in one commit. It waits until each enabled source covers the day and no pull of its window is at work; after
`wait_hours` (6, from the start of the run) it goes on and the wait's XCom and log name what is missing.

**Read by** BI tools and everybody else, from `scores`. Asset `scores` changes when a checked day is published, and only then.

**When it fails**: no data came, or a day was scored without all of it: `infra/runbooks/late_or_missing_day.md`. The checks
failed, nothing was published: `infra/runbooks/checks_failed.md`. Days to score or to score again: `infra/runbooks/backfill.md`.
"""

from datetime import timedelta

from airflow.sdk import DAG, Asset, Param, PokeReturnValue, task

from dags.common import DAY, NIGHTLY, SETTINGS, clout, spark_job

WAIT_HOURS = Param(
    6,  # a pull's last try begins about three hours after midnight; people read scores in the morning
    type="number",
    minimum=0,
    description="How long to wait for the day's pulls, from the start of the run; then score what is there. 0: at once.",
)

with (
    DAG(
        "score_influence",
        schedule=NIGHTLY,
        doc_md=__doc__,
        params={"wait_hours": WAIT_HOURS},
        max_active_runs=1,  # checks compare a day with those published before it (a backfill's own limit is --max-active-runs)
        **SETTINGS,
    ) as dag
):
    # A look costs a slot for two seconds, and a pull takes minutes.
    @task.sensor(mode="reschedule", poke_interval=60)
    def wait_for_pulls(day: str, root: str, wait_hours: str, dag_run=None) -> PokeReturnValue:
        """Goes on when everything is there or the run has waited long enough; returns what is missing."""
        import logging
        from datetime import UTC, date, datetime

        from jobs.places import sources_file
        from jobs.readiness import missing
        from jobs.sources.spec import enabled_sources
        from jobs.storage import Warehouse
        from schemas.methodology import load, official

        now, scored = datetime.now(UTC), date.fromisoformat(day)
        sources = [spec.id for spec in enabled_sources(sources_file())]
        first_day = load(official(scored)).first_day(scored)
        lacking = missing(Warehouse(root), sources, first_day, scored, now)
        late = now >= dag_run.start_date + timedelta(hours=float(wait_hours))
        for line in lacking:
            logging.getLogger(__name__).warning("%s%s", line, "; scoring without it" if late else "")
        return PokeReturnValue(is_done=late or not lacking, xcom_value=lacking)

    (
        wait_for_pulls(DAY, "{{ warehouse() }}", "{{ params.wait_hours }}")
        >> spark_job("engagement")
        >> spark_job("influence")
        >> clout("checks", retries=0)  # data that failed fails again, and somebody has to look
        >> clout("publish", outlets=[Asset("scores")])
    )
