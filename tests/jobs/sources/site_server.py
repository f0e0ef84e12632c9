"""A small site of made items behind the API of its software, and what a pull of `DAY` gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from jobs.sources.live.budget import Budget
from jobs.sources.live.settings import Limits, Settings
from jobs.sources.live.source import LiveSource
from jobs.sources.page import Note
from jobs.sources.spec import class_of
from tests.jobs.sources.platform_server import Platform, Reply

DAY = date(2026, 11, 3)
MIDNIGHT = int(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp())
TOMORROW = MIDNIGHT + 86_400
TEXT = "words that somebody wrote"
RIGHT_TO_LEFT = "\u202eevil \u05d0"

Act = tuple[str, str, str | None]  # kind, actor, target; None if the target is not known


@dataclass
class Clock:
    """Time passes only while the pull waits."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@dataclass(frozen=True)
class Site:
    """A site of one software. `answer` maps a path with its query to a reply, `expected` holds the acts of the day by their
    ids, `small` the settings that make pages small."""

    type: str
    answer: Callable[[str], Reply]
    ask: Callable[[str], dict[str, Any]]
    expected: dict[str, Act]
    small: Mapping[str, Any]
    module: Any
    twice: int = 0  # pages that a search for the day has already seen
    again: int = 1  # requests that a pull that resumes makes again
    first: int = 1  # requests after which something is recorded

    def serve(self, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLOUT_CONTACT", "ops@example.org")
        for name, value in self.small.items():
            monkeypatch.setattr(self.module, name, value)
        platform.answer = self.answer

    def opened(
        self, platform: Platform, landing: Path, requests: int = 1_000, clock: Clock | None = None
    ) -> LiveSource:
        clock = clock or Clock()
        return class_of(self.type)(
            Settings(
                id="site",
                landing=landing,
                ask=self.ask(platform.url),
                limits=Limits(requests=requests),
                budget=lambda most, minutes: Budget(most, minutes, lambda: clock.now, clock.sleep),
            )
        )


def pulled(source: LiveSource, day: date = DAY) -> tuple[dict[str, Act], list[Note]]:
    """The acts of the day by their ids, with looked up targets, and the notes."""
    pages = list(source.pages(day, day))
    authors = {row["object_id"]: row["account_id"] for page in pages for row in page.authors.to_pylist()}
    begin = (day - date(1970, 1, 1)).days * 86_400
    acts = {
        row["activity_id"]: (row["kind"], row["actor_id"], row["target_id"] or authors.get(row["object_id"]))
        for page in pages
        for row in page.acts.to_pylist()
        if begin <= row["occurred_at"] // 1_000_000 < begin + 86_400
    }
    return acts, [note for page in pages for note in page.notes]


def query_of(path: str) -> tuple[str, dict[str, str]]:
    """The path without its query, and the query's parameters."""
    parts = urlsplit(path)
    return parts.path, dict(parse_qsl(parts.query))
