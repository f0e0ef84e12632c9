"""Secrets of live sources: Airflow's connections, as variables of the task's own process.

A source's connection has the name that its entry in `sources.yaml` gives, or else the source's ID. The password of the Airflow
connection is the secret; a login, if there is one, comes before it: `LOGIN:PASSWORD`. If Airflow lacks a connection, the
command reads the secret from the worker's environment.
"""

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException


def environment(source: str | None = None) -> dict[str, str]:
    """Variable -> secret for each enabled live source that Airflow has a connection for or, if `source` is given, for that
    source only."""
    from jobs.places import sources_file
    from jobs.sources.entries import enabled_sources
    from jobs.sources.live.connections import variable

    found: dict[str, str] = {}
    for spec in enabled_sources(sources_file()):
        if source in (None, spec.id) and spec.connection:
            try:
                connection = Connection.get(spec.connection)
            except AirflowNotFoundException:
                continue
            parts = (part for part in (connection.login, connection.password) if part)
            found[variable(spec.connection)] = ":".join(parts)
    return found
