"""Every platform that answers by HTTP, small and on loopback, to be pulled through its real client."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jobs.sources import github, gitlab, hackernews, webmentions
from jobs.sources.live.budget import Budget
from jobs.sources.live.settings import Limits, Settings
from jobs.sources.live.source import LiveSource
from jobs.sources.page import Note
from jobs.sources.spec import class_of
from jobs.sources.types import TYPES
from tests.jobs.sources import (
    blogs,
    discourse_server,
    facebook_server,
    hackernews_server,
    mastodon_instance,
    mediawiki_server,
    reddit_server,
    stackexchange_server,
    webmentions_server,
    x_server,
    youtube_server,
)
from tests.jobs.sources.github import made as github_made
from tests.jobs.sources.gitlab import made as gitlab_made
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.site_server import Clock, Site

DAY = date(2026, 11, 3)
SECRET = "application:s3cr3t"  # in each form that a platform wants
CONNECTION = "CLOUT_CONNECTION_LIVE"

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class World:
    """One platform. `serve` makes the platform answer, `ask` says what to ask it. `population` is the field of `ask` with the
    members, `member` one that may be added. `aside`: the beginnings of paths that are no lists."""

    type: str
    serve: Callable[[Platform, Patch], Any]
    ask: Callable[[str], dict[str, Any]]
    population: str | None = None
    member: str = "cy"
    limits: Limits = field(default_factory=lambda: Limits(requests=1_000))
    aside: tuple[str, ...] = ()

    def opened(self, platform: Platform, landing: Path, clock: Clock, **more: Any) -> LiveSource:
        ask = self.ask(platform.url) | more
        return class_of(self.type)(
            Settings(
                id="live",
                landing=landing,
                ask=ask,
                secret=TYPES[self.type].secret or "",
                limits=self.limits,
                budget=lambda most, minutes: Budget(most, minutes, lambda: clock.now, clock.sleep),
            )
        )


def _github(platform: Platform, patch: Patch) -> None:
    patch.setattr(github, "_now", lambda: github_made.NEXT_NOON)
    answer = github_made.filled(platform).answer
    platform.answer = lambda path: answer(path) if path != "/repos/bo/tool" else Reply({"private": False})


def _gitlab(platform: Platform, patch: Patch) -> None:
    patch.setattr(gitlab, "PAGE_THREADS", 1)
    gitlab_made.filled(platform)


def _hackernews(platform: Platform, patch: Patch) -> None:
    patch.setattr(hackernews, "PAGE_ITEMS", 100)
    platform.answer = hackernews_server.answer


def _webmentions(platform: Platform, patch: Patch) -> None:
    patch.setattr(webmentions, "PAGE_MENTIONS", 10)
    platform.answer = webmentions_server.Service(platform, SECRET).answer


def _youtube(platform: Platform, patch: Patch) -> None:
    patch.setattr("jobs.night_settings.nights", lambda: _Nights())
    platform.answer = youtube_server.answer


class _Nights:
    landing_days, keep_activity_days = 20, 29


def _blogs(platform: Platform, _: Patch) -> None:
    made = blogs.Blogs(platform)
    made.documents["/feed"] = blogs.atom(blogs.entry("a", 1), blogs.entry("b", 2), blogs.OLD)


def _answering(answer: Any) -> Callable[[Platform, Patch], None]:
    def serve(platform: Platform, _: Patch) -> None:
        platform.answer = answer

    return serve


def _site(site: Site) -> World:
    return World(site.type, site.serve, site.ask)


WORLDS = (
    World("github", _github, lambda url: {"api": url, "repositories": ["bo/tool"]}, "repositories", "bo/other"),
    World("gitlab", _gitlab, lambda url: {"site": url, "projects": ["bo/tool"]}, "projects", "bo/other"),
    World(
        "mastodon",
        lambda platform, _: mastodon_instance.peopled(platform),
        lambda url: {"instance": url, "accounts": ["ana", "bo"]},
        "accounts",
    ),
    World("hackernews", _hackernews, lambda url: {"api": url}),
    World("youtube", _youtube, lambda url: {"api": url, "channels": ["a"]}, "channels"),
    World("facebook", _answering(facebook_server.answer), lambda url: {"api": url, "page": "1"}),
    World(
        "x",
        _answering(x_server.answer),
        lambda url: {"api": url, "accounts": ["1", "2"]},
        "accounts",
        "3",
        Limits(requests=1_000, dollars=2_000),
    ),
    World(
        "reddit-live",
        _answering(reddit_server.answer),
        lambda url: {"site": url, "api": url, "subreddits": ["a"]},
        "subreddits",
        aside=("/api/v1/access_token",),
    ),
    World("webmentions", _webmentions, lambda url: {"api": f"{url}/api"}),
    World("feeds", _blogs, lambda url: {"feeds": [f"{url}/feed"]}, aside=("/robots.txt",)),
    *map(_site, (stackexchange_server.SITE, mediawiki_server.SITE, discourse_server.SITE)),
)


class Result(NamedTuple):
    """Acts, rejected and unresolved lines, and notes."""

    acts: list[dict[str, Any]]
    faults: list[dict[str, Any]]
    notes: list[Note]


class Live(NamedTuple):
    """A platform that answers, and its source."""

    world: World
    platform: Platform
    clock: Clock
    landing: Path

    def pulled(self, landing: str = "landing", **ask: Any) -> Result:
        return pulled(self.world.opened(self.platform, self.landing / landing, self.clock, **ask))

    def answers(self, answer: Callable[[str], Reply]) -> None:
        """Lists are answered by this from now on."""
        whole = self.platform.answer
        aside = self.world.aside
        self.platform.answer = lambda path: whole(path) if aside and path.startswith(aside) else answer(path)


def pulled(source: LiveSource, day: Any = DAY) -> Result:
    pages = list(source.pages(day, day))
    return Result(
        [act for page in pages for act in page.acts.to_pylist()],
        [fault for page in pages for fault in page.faults.to_pylist()],
        [note for page in pages for note in page.notes],
    )
