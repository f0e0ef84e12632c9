"""Pools limit how many tasks of a kind run at once, across all DAGs and runs.

`spark` has one slot, because a JVM takes 3 GB and all cores. Each enabled source has its own pool with one slot, so that a
backfill requests one day at a time from a platform. `python -m dags.pools` creates missing pools and does not change existing
ones, whose slots an operator may have set.

Airflow gives all instances of a mapped task the pool of its operator. `task_instance_mutation_hook`, which `pyproject.toml`
registers as an Airflow policy, gives each mapped instance the pool that its own arguments name.
"""

import json
import logging
from typing import TYPE_CHECKING, Any

from airflow.policies import hookimpl

if TYPE_CHECKING:
    from airflow.models import DagRun, TaskInstance
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

SPARK = "spark"
MAPPED = {("pull_activity", "pull"): "pulls"}  # (DAG, mapped task) -> the task that returns its arguments


def of_source(source: str) -> str:
    """The name of the pool for the pulls of a source."""
    return f"source_{source}"


@hookimpl
def task_instance_mutation_hook(task_instance: "TaskInstance", dag_run: "DagRun | None") -> None:
    """Sets the pool of a mapped instance to the one that its arguments name, if that pool exists; otherwise logs a warning.

    Runs in the scheduler, within its transaction. So it uses only the session of `dag_run`.
    """
    arguments = MAPPED.get((task_instance.dag_id, task_instance.task_id))
    if arguments is None or task_instance.map_index < 0 or dag_run is None:
        return
    from airflow.models.pool import Pool
    from airflow.models.xcom import XComModel
    from sqlalchemy import select
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return
    with session.no_autoflush:
        returned = session.scalar(
            select(XComModel.value).where(
                XComModel.dag_id == dag_run.dag_id,
                XComModel.run_id == dag_run.run_id,
                XComModel.task_id == arguments,
                XComModel.key == "return_value",
            )
        )
        pool = _named(returned, task_instance.map_index)
        if pool and session.scalar(select(Pool.id).where(Pool.pool == pool)):
            task_instance.pool = pool
        elif pool:  # not assigned, because a task in a pool that does not exist would wait forever
            log.warning("pool %s does not exist; to create it: python -m dags.pools", pool)


def _named(returned: Any, index: int) -> str | None:
    listed = json.loads(returned) if isinstance(returned, str) else returned
    return listed[index].get("pool") if listed and index < len(listed) else None


def create(session: "Session") -> list[str]:
    """Creates the missing pools with one slot each, and returns their names."""
    from airflow.models.pool import Pool

    from jobs.places import sources_file
    from jobs.sources.entries import enabled_sources

    wanted = {SPARK: "clout: one JVM at a time"} | {
        of_source(spec.id): f"clout: pulls of source {spec.id}" for spec in enabled_sources(sources_file())
    }
    existing = {pool.pool for pool in Pool.get_pools(session=session)}
    missing = [name for name in wanted if name not in existing]
    for name in missing:
        session.add(Pool(pool=name, slots=1, description=wanted[name], include_deferred=False))
    return missing


if __name__ == "__main__":
    from airflow.utils.session import create_session

    with create_session() as database:
        print("created pools:", ", ".join(create(database)) or "none, all exist")
