"""The shell blocks of README, guides and runbooks run, in the order of their pages, in this process and without a JVM.

Each page gets a copy of one prepared warehouse, in which the days that the pages name are published. DuckDB and engine `memory`
replace Spark (`tests/jobs/test_same_rows.py`). What cannot run here is listed with its reason. `tests/infra/test_runbooks.py`
runs the runbooks in processes of their own.
"""

import gzip
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.cli import main
from jobs.places import ROOT
from jobs.sources.github import GitHubAsk
from jobs.warehouse.storage import Warehouse
from tests.jobs.sources import hackernews_server
from tests.jobs.sources.github.made import GitHub, event
from tests.jobs.sources.platform_server import served
from tests.pages import PAGES, blocks, commands, scripts

pytestmark = pytest.mark.system  # many nights

# How a block begins -> why it cannot run here.
NOT_HERE = {
    "bash infra/run.sh     #": "sets up the machine; tests/infra/test_setup.py",
    "bash infra/test.sh -m unit": "runs the tests themselves",
    "export AIRFLOW_HOME": "needs Airflow's database; tests/infra/test_runbooks.py, on request",
    "bash infra/bench.sh cost": "measures for half an hour; tests/test_benchmark_cost.py",
    ".venv/bin/clout compare": "needs Spark; tests/jobs/test_score_twice.py",
}
DAY = "2026-11-03"
WEEK = [1_341_100_800 + 86_400 * day for day in range(7)]  # from 2012-07-01 on
ASSIGNED = re.compile(r"([A-Z][A-Z_]+)=(.*)", re.DOTALL)
# Stars of repositories of others: (actor, owner).
STARS = [("dee", "ana"), ("dee", "bo"), ("ana", "bo"), ("cy", "bo"), ("bo", "cy")]


def excused(script: str) -> list[str]:
    return [reason for begin, reason in NOT_HERE.items() if script.startswith(begin)]


class Shell:
    """Runs the commands of a block in this process, with the data of a folder."""

    def __init__(self, folder: Path, servers: dict[str, str], patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._written = servers | {
            "/tmp/demo": str(folder / "demo"),
            "higgs=PATH": "higgs=higgs-activity_time.txt.gz",
            "KEYS=KEY": f"KEYS={'7' * 64}",
            "/srv/clout": str(folder),
            "KEYS=NEW": f"KEYS={'8' * 64}",
            ",KEY": f",{'7' * 64}",
        }
        patch.chdir(folder)
        patch.setenv("XDG_DATA_HOME", str(folder / "home"))
        patch.setenv("CLOUT_SOURCES", str(folder / "sources.yaml"))

    def run(self, script: str) -> None:
        for words in commands(script):
            self._run([self._meant(word) for word in words])

    def _meant(self, word: str) -> str:
        for written, meant in self._written.items():
            word = word.replace(written, meant)
        return "gharchive=gharchive" if word == "gharchive=" else word

    def _run(self, words: list[str]) -> None:
        assigned = [(match[1], match[2]) for word in words if (match := ASSIGNED.fullmatch(word))]
        program, *arguments = [word for word in words if not ASSIGNED.fullmatch(word)]
        if program == "export":
            self._set(self._patch, assigned)
        elif program != "break":
            with pytest.MonkeyPatch.context() as patch:
                self._set(patch, assigned)
                self._clout(["run", *arguments[1:]] if arguments[:1] == ["infra/run.sh"] else [program, *arguments])

    def _set(self, patch: pytest.MonkeyPatch, assigned: list[tuple[str, str]]) -> None:
        for name, value in assigned:
            patch.setenv(name, value)

    def _clout(self, words: list[str]) -> None:
        words = words[words[0] == ".venv/bin/clout" :]
        ran = CliRunner().invoke(main.app, words)
        assert ran.exit_code == 0, f"{words}: {ran.exception!r}\n{ran.output}"


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """What a page writes -> what this test means by it. Hacker News and GitHub are on loopback."""
    with served() as news, served() as github, pytest.MonkeyPatch.context() as patch:
        news.answer = hackernews_server.answer
        hub = GitHub(github)
        for name in ("repo", "other"):
            days = (3, 2, 1)
            hub.lists[f"/repos/owner/{name}/events"] = [
                *(event(f"{name}{day}", f"2026-11-0{day}T12:00:00Z", actor=f"fan{day}") for day in days),
                event(f"{name}0", "2026-10-30T12:00:00Z"),
            ]
        places = GitHubAsk.of_places
        patch.setattr(GitHubAsk, "of_places", classmethod(lambda _, *given: places(*given) | {"api": github.url}))
        yield {"hackernews=": f"hackernews={news.url}"}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, servers: dict[str, str]) -> Path:
    """A folder with the files that the pages name, a warehouse in which their days are published, and an empty one of the
    simulation."""
    folder = tmp_path_factory.mktemp("prepared")
    (acts,) = blocks(PAGES[0], "json")
    for name in ("acts.jsonl", "outbox.jsonl"):
        (folder / name).write_text(acts, encoding="utf-8")
    with gzip.open(folder / "higgs-activity_time.txt.gz", "wt") as lines:
        for at in WEEK:
            lines.writelines(
                f"{actor} {target} {at + 3600} RT\n"
                for actor, target in ((1, 88), (2, 14454), (88, 14454), *((3, 100 + number) for number in range(12)))
            )
    (people,) = blocks(ROOT / "infra" / "runbooks" / "consent.md", "csv")
    (folder / "people.csv").write_text(people, encoding="utf-8")
    (folder / "gharchive").mkdir()
    for hour in range(24):
        with gzip.open(folder / "gharchive" / f"{DAY}-{hour}.json.gz", "wt") as lines:
            lines.writelines(json.dumps(star(hour, number)) + "\n" for number in range(len(STARS)))
    (folder / "sources.yaml").write_text(
        f"- source: gharchive={folder / 'gharchive'}\n  enabled: true\n  from: {DAY}\n  to: {DAY}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        shell = Shell(folder, servers, patch)
        for source in ("gharchive=", "demo:activitystreams=acts.jsonl"):
            days = f"--first-day {DAY} --last-day {DAY}"
            shell.run(f".venv/bin/clout run --source {source} {days} --everybody test")
        week = (
            "--first-day 2012-07-01 --score-from 2012-07-04 --last-day 2012-07-07"  # few days, so that checks only warn
        )
        shell.run(f".venv/bin/clout run --source higgs=PATH {week} --everybody test")
    Warehouse(str(folder / "home" / "clout" / "sample")).create_tables()
    return folder


def star(hour: int, number: int) -> dict:
    actor, owner = STARS[number]
    return {
        "id": str(100 * hour + number), "type": "WatchEvent", "public": True, "created_at": f"{DAY}T{hour:02}:00:00Z",
        "actor": {"id": number, "login": actor}, "repo": {"id": number, "name": f"{owner}/code"},
        "payload": {"action": "started"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def ran() -> set[str]:
    """The blocks that ran. One that several pages have runs once."""
    return set()


@pytest.mark.parametrize("page", [page for page in PAGES if scripts(page)], ids=lambda page: page.stem)
def test_every_block_runs_or_is_excused(
    page: Path, prepared: Path, servers: dict[str, str], ran: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "copy"))
    shell = Shell(folder, servers, monkeypatch)
    for script in scripts(page):
        if script not in ran and not excused(script):
            shell.run(script)
            ran.add(script)


def test_every_excuse_is_needed() -> None:
    written = [script for page in PAGES for script in scripts(page)]
    assert [begin for begin in NOT_HERE if not any(script.startswith(begin) for script in written)] == []


def test_a_block_that_cannot_run_here_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(tmp_path, {}, monkeypatch)
    for script in ("systemctl enable --now clout.target\n", ".venv/bin/clout show --day 2026-11-03\n"):
        with pytest.raises(AssertionError):
            shell.run(script)
