"""Every command of a runbook and of the operator's page is run, in the page's order, on a small warehouse of a published day.

`tests/test_blocks_run.py` runs most of them with every other test; this one uses processes, Spark and Airflow.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.places import ROOT
from jobs.warehouse.storage import Warehouse
from tests.tiny_days import QUICK_JAVA

pytestmark = pytest.mark.rehearsal

PAGES = [ROOT / "infra" / "docs" / "operator.md", *sorted((ROOT / "infra" / "runbooks").glob("*.md"))]
BIN = Path(sys.prefix) / "bin"
DAY = "2026-11-03"
IN_BLOCKS = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
IN_LINES = re.compile(r"`((?:\.venv/bin/|bash infra/(?!up\.sh))[^`]*[^`.])`")  # `... run ...` is no command
PAGE_S = 900  # patience, on a machine that is busy with other things

# The README's example, and the same acts on GitHub: stars of repositories of others.
README = (ROOT / "README.md").read_text(encoding="utf-8")
ACTS = re.findall(r"^```json\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[0]
CONSENT = (ROOT / "infra" / "runbooks" / "consent.md").read_text(encoding="utf-8")
PEOPLE = re.findall(r"^```csv\n(.*?)^```$", CONSENT, re.MULTILINE | re.DOTALL)[0]
STARS = [("dee", "ana"), ("dee", "bo"), ("ana", "bo"), ("cy", "bo"), ("bo", "cy")]
TWEETS = "".join(f"1 2 {1341100800 + 86400 * day + 3600} RT\n" for day in range(7))  # from 2012-07-01 on


def commands(page: Path) -> list[str]:
    """In order of appearance."""
    text = page.read_text(encoding="utf-8")
    blocks = [
        (match.start(), re.sub(f"^{match[1]}", "", match[2], flags=re.MULTILINE)) for match in IN_BLOCKS.finditer(text)
    ]
    outside = IN_BLOCKS.sub(lambda match: " " * len(match[0]), text)
    lines = [(match.start(), f"{match[1]}\n") for match in IN_LINES.finditer(outside)]
    return [command for _, command in sorted(blocks + lines)]


def runnable(command: str, folder: Path) -> str:
    """With this checkout's programs and this test's data. A loop that would end early fails instead."""
    for written, meant in (
        (".venv/bin/", f"{BIN}/"),
        ("bash infra/", f"bash {ROOT}/infra/"),
        ("|| break", "|| exit 1"),
        ("higgs=PATH", f"higgs={folder / 'higgs.txt'}"),
        ("KEYS=KEY", f"KEYS={'7' * 64}"),
    ):
        command = command.replace(written, meant)
    return re.sub(r"gharchive=(?=\s|$)", f"gharchive={folder / 'gharchive'}", command)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, and a home with two warehouses: in that of real data the day is published, that of the simulation
    is empty."""
    folder = tmp_path_factory.mktemp("runbooks")
    (folder / "outbox.jsonl").write_text(ACTS, encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (folder / "higgs.txt").write_text(TWEETS, encoding="utf-8")
    (folder / "connections.json").write_text(json.dumps({"gh": {"conn_type": "generic", "password": "secret"}}))
    (folder / "gharchive").mkdir()
    for hour in range(24):
        with gzip.open(folder / "gharchive" / f"{DAY}-{hour}.json.gz", "wt") as lines:
            for number, (actor, owner) in enumerate(STARS):
                star = {
                    "id": str(100 * hour + number), "type": "WatchEvent", "public": True,
                    "created_at": f"{DAY}T{hour:02}:00:00Z",
                    "actor": {"id": number, "login": actor}, "repo": {"id": number, "name": f"{owner}/code"},
                    "payload": {"action": "started"},
                }  # fmt: skip
                lines.write(json.dumps(star) + "\n")
    run(
        folder,
        f"{BIN}/clout run --source gharchive={folder}/gharchive --first-day {DAY} --last-day {DAY} --everybody test",
    )
    Warehouse(str(folder / ".local" / "share" / "clout" / "sample")).create_tables()
    return folder


def run(folder: Path, script: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUT_", "AIRFLOW", "XDG_"))}
    own = {
        "HOME": str(folder),
        "CLOUT_VENV": sys.prefix,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "JAVA_TOOL_OPTIONS": QUICK_JAVA,
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=kept | own, timeout=PAGE_S, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert ran.returncode == 0, f"{script}\n{ran.stdout}"
    return ran.stdout


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem)
def test_every_command_works(page: Path, prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(prepared, folder)
    script = "".join(runnable(command, folder) for command in commands(page))
    if "airflow " in script:
        script = (
            "export AIRFLOW_HOME=~/.local/share/clout/airflow\nairflow db migrate\nairflow dags reserialize\n" + script
        )
    run(folder, f"set -x\n{script}")
