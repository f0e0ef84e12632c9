"""A PostgreSQL server of the system's package on this machine, with one empty database."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.dags.up import free_port

USER = "airflow"


def programs() -> Path | None:
    """The folder of the newest server's programs; none: it is not installed."""
    servers = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    return servers[-1].parent if servers else None


@contextmanager
def server(installed: Path) -> Iterator[str]:
    """Its address for SQLAlchemy, by psycopg. The server refuses to run as root, so root becomes the package's own user."""
    folder = Path(tempfile.mkdtemp(prefix="clout-postgres-"))
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    port = free_port()

    def run(program: str, *arguments: str) -> None:
        subprocess.run([*as_user, installed / program, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    data = str(folder / "data")
    run("initdb", "--username", USER, "--auth", "trust", "--no-sync", "--pgdata", data)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "--pgdata", data, "--wait", "--options", options, "--log", str(folder / "log"), "start")
    try:
        run("createdb", "--username", USER, "--host", "127.0.0.1", "--port", str(port), "airflow")
        yield f"postgresql+psycopg://{USER}@127.0.0.1:{port}/airflow"
    finally:
        run("pg_ctl", "--pgdata", data, "--wait", "--mode", "immediate", "stop")
        shutil.rmtree(folder)
