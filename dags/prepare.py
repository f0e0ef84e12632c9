"""Prepares Airflow's database: migrates it, creates missing pools, and registers the DAGs, so that a backfill can be created at
once. `infra/up.sh` runs it at every start. One process does all three, because each would take 2 s to import Airflow.
"""

from airflow.cli.cli_parser import get_parser
from airflow.configuration import write_default_airflow_configuration_if_needed
from airflow.utils.session import create_session

from dags import pools


def _airflow(*command: str) -> None:
    """Runs a command of Airflow in this process."""
    arguments = get_parser().parse_args(command)
    arguments.func(arguments)


if __name__ == "__main__":
    write_default_airflow_configuration_if_needed()  # which the command `airflow` does
    _airflow("db", "migrate")
    with create_session() as database:
        pools.create(database)
    _airflow("dags", "reserialize")
