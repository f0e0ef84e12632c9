"""A running `infra/up.sh`, its API, a backfill as somebody types it, and a webhook that receives notices."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from jobs.places import ROOT
from tests.tiny_days import QUICK_JAVA, settings_file

COMMAND = ("bash", str(ROOT / "infra" / "up.sh"))
BIN = Path(sys.prefix) / "bin"
TRIES = 5
READY_S, BACKFILL_S, STOP_S = 600, 1200, 60  # patience, on a machine that is busy with other things


@dataclass
class Up:
    """A running `infra/up.sh`, and what it said."""

    process: subprocess.Popen
    home: Path
    said: Path
    environment: dict[str, str]

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_S)

    def processes(self) -> dict[str, str]:
        """Process id -> command of everything that works for this home, whoever its parent is by now."""
        working = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"AIRFLOW_HOME={self.home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    working[folder.name] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # ended meanwhile, or of another user
        return working

    def api(self) -> httpx.Client:
        said = self.said.read_text()
        ready = re.search(r"^Airflow is ready: (\S+), user (\S+), password (\S+)$", said, re.MULTILINE)
        assert ready, said
        address, user, password = ready.groups()
        login = httpx.post(f"{address}/auth/token", json={"username": user, "password": password}, timeout=60)
        token = {"Authorization": f"Bearer {login.json()['access_token']}"}
        return httpx.Client(base_url=f"{address}/api/v2", headers=token, timeout=60)

    def backfill(
        self, api: httpx.Client, dag_id: str, first_day: str, last_day: str, *options: str
    ) -> list[dict[str, Any]]:
        """Its runs once all have ended, by day; created beside the running Airflow by somebody who has nothing but its home."""
        asked = ("backfill", "create", "--dag-id", dag_id, "--from-date", first_day, "--to-date", last_day, *options)
        kept = {name: value for name, value in self.environment.items() if name.startswith("AIRFLOW__DATABASE")}
        home = {"AIRFLOW_HOME": str(self.home), "PATH": os.environ["PATH"], **kept}
        # Airflow creates no second backfill of a DAG before it has noticed that the first one ended, which takes up to 30 s.
        wait_until(
            lambda: not self._running(api, dag_id), BACKFILL_S, lambda: f"{dag_id}: {self._running(api, dag_id)}"
        )
        # On a busy machine SQLite may refuse a backfill's second run. Airflow then deletes the first, and a scheduler that
        # is at work on it ends. So the scheduler starts none until all are there.
        api.patch(f"/dags/{dag_id}", json={"is_paused": True}).raise_for_status()
        for _ in range(TRIES):
            created = subprocess.run((BIN / "airflow", *asked), env=home, capture_output=True, text=True, check=False)
            if "database is locked" not in created.stderr:
                break
            # Airflow removes what it began to create, unless SQLite refuses that too; what is left lets no other begin.
            for backfill in self._running(api, dag_id):
                api.put(f"/backfills/{backfill}/cancel").raise_for_status()
        assert created.returncode == 0, created.stderr
        api.patch(f"/dags/{dag_id}", json={"is_paused": False}).raise_for_status()
        days = (date.fromisoformat(last_day) - date.fromisoformat(first_day)).days + 1

        def runs() -> list[dict[str, Any]]:
            return self.runs(api, dag_id, first_day, last_day)

        wait_until(
            lambda: [run["state"] in ("success", "failed") for run in runs()] == [True] * days,
            BACKFILL_S,
            lambda: f"{dag_id}: {runs()}",
        )
        return runs()

    def _running(self, api: httpx.Client, dag_id: str) -> list[int]:
        """The ids of the DAG's backfills that have not ended, as far as Airflow noticed."""
        found = api.get("/backfills", params={"dag_id": dag_id}).json()["backfills"]
        return [row["id"] for row in found if row["completed_at"] is None]

    def runs(self, api: httpx.Client, dag_id: str, first_day: str, last_day: str) -> list[dict[str, Any]]:
        between = {"logical_date_gte": f"{first_day}T00:00:00Z", "logical_date_lte": f"{last_day}T00:00:00Z"}
        found = api.get(f"/dags/{dag_id}/dagRuns", params=between | {"order_by": "logical_date"})
        return found.json()["dag_runs"]

    def logs(self) -> str:
        logs = sorted((self.home / "logs").glob("dag_id=*/**/*.log"))
        return "\n".join(f"{path}\n{path.read_text()[-3000:]}" for path in logs)


def wait_until(true: Callable[[], Any], seconds: float, what: Callable[[], str]) -> Any:
    ends = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < ends, what()
        time.sleep(2)  # each question costs the server a tenth of a second
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def list_sources(path: Path, *sources: str) -> None:
    path.write_text("".join(f"- source: {json.dumps(source)}\n" for source in sources), encoding="utf-8")


def environment(folder: Path, source: str, **settings: str) -> dict[str, str]:
    """The user's, without settings of clout and Airflow, and with all that is written under `folder`."""
    list_sources(folder / "sources.yaml", source)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUT_", "AIRFLOW"))}
    return kept | {
        "CLOUT_VENV": sys.prefix,
        "CLOUT_SOURCES": str(folder / "sources.yaml"),
        "CLOUT_SPARK_SETTINGS": str(settings_file(folder)),
        "CLOUT_WAREHOUSE": str(folder / "warehouse"),
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__API__PORT": str(free_port()),
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",  # DAGs do not change; not every 30 s
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": str(
            READY_S
        ),  # 5 s are too few on a machine that is busy with other things
        "JAVA_TOOL_OPTIONS": QUICK_JAVA,
        **settings,
    }


@contextmanager
def up(folder: Path, environment: dict[str, str]) -> Iterator[Up]:
    """Airflow, ready; killed at the end if it was not stopped."""
    said = folder / "said.txt"
    with said.open("wb") as stream:
        process = subprocess.Popen(COMMAND, env=environment, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL)
    started = Up(process, folder / "home", said, environment)
    try:
        wait_until(lambda: "to stop:" in said.read_text() or process.poll() is not None, READY_S, said.read_text)
        assert process.poll() is None, said.read_text()
        yield started
    finally:
        process.kill()
        for process_id in started.processes():
            os.kill(int(process_id), signal.SIGKILL)


@dataclass
class Webhook:
    """A server on this machine and the notices that were posted to it."""

    url: str
    notices: list[dict[str, Any]] = field(default_factory=list)

    def about(self, **values: str) -> list[dict[str, Any]]:
        return [notice for notice in self.notices if values.items() <= notice.items()]


@contextmanager
def webhook() -> Iterator[Webhook]:
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Not on the tests' terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Webhook(f"http://127.0.0.1:{server.server_port}", received)
    finally:
        server.shutdown()
