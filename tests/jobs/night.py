"""A night of live platforms on loopback: what is asked, `clout pull` in processes, and what it left."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from jobs.warehouse import counted
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.arrow import sorted_by_grain
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from tests.jobs.sources.forked import started
from tests.jobs.sources.github.made import GitHub, event, user
from tests.jobs.sources.platform_server import Platform

DAY = date(2026, 11, 3)
RECENT = datetime.now(UTC).date() - timedelta(days=2)  # GitHub is asked about events of the last weeks only
PATIENCE_S = 300
BODY = "pl4nted-body"


class Night:
    """A warehouse, its `sources.yaml`, and `clout pull`."""

    platforms: Sequence[Platform] = ()

    def __init__(self, folder: Path, *entries: dict[str, Any], **secrets: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.said = folder / "said.txt"
        self.warehouse = Warehouse(str(folder / "warehouse"))
        self.entries(*entries)
        self.environment = {
            "CLOUT_WAREHOUSE": self.warehouse.root,
            "CLOUT_SOURCES": str(folder / "sources.yaml"),
            **{f"CLOUT_CONNECTION_{name}": secret for name, secret in secrets.items()},
        }

    def entries(self, *entries: dict[str, Any]) -> None:
        (self.folder / "sources.yaml").write_text(json.dumps(entries), encoding="utf-8")

    def start(self, *sources: str, day: date = DAY) -> BaseProcess:
        asked = [word for source in sources for word in ("--source", source)]
        return started(self.said, self.environment, "pull", "--day", str(day), *asked, "--verbose")

    def pull(self, *sources: str, day: date = DAY) -> int | None:
        """The exit code of a pull."""
        process = self.start(*sources, day=day)
        process.join(PATIENCE_S)
        return process.exitcode

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """All rows that count, without the ids of pulls."""
        found = {}
        covered = counted.condition(self.warehouse.read(COVERAGE, columns=counted.NAMES))
        for table in (ACTIVITY, ACCOUNTS, COVERAGE, REJECTS):
            rows = self.warehouse.read(table)
            if table in (ACTIVITY, ACCOUNTS):
                rows = rows.filter(covered)
            lines = sorted_by_grain(table, rows).to_pylist()
            found[table.name] = [{name: row[name] for name in row if name not in ("pull", "file")} for row in lines]
        return found

    def coverage(self, day: date = DAY) -> dict[str, dict[str, Any]]:
        return {row["source"]: row for row in self.warehouse.read(COVERAGE, {"day": day}).to_pylist()}

    def runs(self, day: date = DAY) -> list[dict[str, Any]]:
        """The runs of the day, oldest first."""
        return self.warehouse.read(RUNS, {"day": day}).sort_by("started_at").to_pylist()


def dba(platform: Platform, **options: Any) -> dict[str, Any]:
    ask = {"site": "dba.stackexchange.com", "api": platform.url}
    return {"source": "dba", "type": "stackexchange", "ask": ask, **options}


def hub(platform: Platform, *repositories: str, **options: Any) -> dict[str, Any]:
    ask = {"api": platform.url, "repositories": [*repositories]}
    return {"source": "hub", "type": "github", "ask": ask, **options}


def home(platform: Platform, **options: Any) -> dict[str, Any]:
    ask = {"instance": platform.url, "accounts": ["ana", "bo"]}
    return {"source": "home", "type": "mastodon", "ask": ask, **options}


def repository(platform: Platform, day: date = RECENT) -> GitHub:
    """One with a star and a comment on this day."""
    made = GitHub(platform)
    made.lists["/repos/bo/tool/events"] = [
        event("8", f"{day}T12:00:00Z"),
        event(
            "7", f"{day}T11:00:00Z", "IssueCommentEvent", action="created", issue={"number": 12, "user": user("Cleo")},
            comment={"id": 70, "body": BODY},
        ),
        event("6", f"{day - timedelta(days=1)}T12:00:00Z", actor="early"),
    ]  # fmt: skip
    return made
