"""Pulls from live platforms by the command `clout`: killed at any moment, asked for secrets, repeated, under a wrong clock."""

import json
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from email.utils import format_datetime
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest

from jobs.sources.live.source import UNFINISHED
from tests.jobs.night import BODY, DAY, PATIENCE_S, RECENT, Night, dba, home, hub, repository
from tests.jobs.sources import hackernews_server as news
from tests.jobs.sources import stackexchange_server as stackexchange
from tests.jobs.sources.mastodon_instance import peopled
from tests.jobs.sources.platform_server import Platform, Reply, served
from tests.jobs.sources.site_server import TEXT
from tests.written import holding

pytestmark = pytest.mark.system

TOKENS = {"HUB": "t0ken-hub", "HOME": "t0ken-home", "DBA": "t0ken-dba", "CLOSED": "t0ken-closed"}
HEADER, QUERY = "pl4nted-header", "pl4nted-query"


@pytest.fixture
def serve() -> Iterator[Callable[[], Platform]]:
    """`serve()`: one more platform on loopback."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(served())


# Killed


def small_pages(path: str) -> Reply:
    """Some 18 pages of each list instead of one."""
    return stackexchange.answer(path.replace("pagesize=100", "pagesize=5"))


BY_REQUEST, BY_TIME = 40, 10


def test_a_pull_killed_at_fifty_moments_loses_nothing_and_asks_no_page_again_without_need(
    serve: Callable[[], Platform], tmp_path: Path
) -> None:
    """The server kills: before it answers, just after, or as a page is recorded. Then the clock does, as tables are written."""
    platform = serve()
    platform.answer = small_pages
    whole = Night(tmp_path / "whole", dba(platform))
    assert whole.pull("dba") == 0, whole.said.read_text()
    pages = list(platform.asked)
    assert len(pages) == len(set(pages)) > BY_REQUEST

    platform.asked.clear()
    night = Night(tmp_path / "killed", dba(platform))
    moments = random.Random(20261103)
    for _ in range(BY_REQUEST):
        assert killed_by_request(night, platform, moments.choice((1, 2, 2, 3)), moments.choice((None, 0, 0.002, 0.02)))
    assert set(pages) - set(platform.asked)  # all these kills came before the last page
    began = time.monotonic()
    assert night.pull("dba") == 0, night.said.read_text()
    took_s = time.monotonic() - began
    for _ in range(BY_TIME):
        process = night.start("dba")
        process.join(moments.uniform(0, took_s))
        process.kill()
        process.join(PATIENCE_S)
    assert night.pull("dba") == 0, night.said.read_text()
    assert night.rows() == whole.rows()
    assert set(platform.asked) == set(pages)
    assert len(platform.asked) - len(pages) <= BY_REQUEST


def killed_by_request(night: Night, platform: Platform, number: int, after_s: float | None) -> bool:
    """Whether a pull was killed by its request of this number: before the answer, or so long after it. It gets no further
    answer."""
    count, begun, over = 0, Event(), Event()

    def answer(path: str) -> Reply:
        nonlocal count
        count += 1
        if count == number:
            assert begun.wait(PATIENCE_S)
            Timer(after_s or 0, process.kill).start()
        if count > number or (count == number and after_s is None):
            assert over.wait(PATIENCE_S)
        return small_pages(path)

    platform.answer = answer
    process = night.start("dba")
    begun.set()
    process.join(PATIENCE_S)
    over.set()
    platform.answer = small_pages
    return bool(process.exitcode == -signal.SIGKILL)


# Asked for secrets


def leaky(answer: Callable[[str], Reply]) -> Callable[[str], Reply]:
    """Fails once, redirects once, then answers, each time with secrets of the platform's own."""
    count = 0

    def reply(path: str) -> Reply:
        nonlocal count
        count += 1
        if count == 1:
            return Reply({"error": BODY}, 503, {"Retry-After": "0", "X-Token": HEADER})
        if count == 2:
            return Reply(
                None, 302, {"Location": f"{path}{'&' if '?' in path else '?'}sig={QUERY}", "Set-Cookie": HEADER}
            )
        found = answer(re.sub("[?&]sig=[^&]*", "", path))
        return found._replace(headers=(found.headers or {}) | {"X-Token": HEADER})

    return reply


@pytest.fixture
def night(serve: Callable[[], Platform], tmp_path: Path) -> Night:
    """Three platforms were pulled, and a fourth one refused."""
    platforms = [serve() for _ in range(4)]
    repository(platforms[0])
    peopled(platforms[1])
    platforms[2].answer = stackexchange.answer
    for platform in platforms[:3]:
        platform.answer = leaky(platform.answer)
    platforms[3].answer = lambda _: Reply({"message": BODY}, 401, {"WWW-Authenticate": HEADER})
    closed = hub(platforms[3], "Bo/Tool") | {"source": "closed"}
    entries = [hub(platforms[0], "Bo/Tool"), home(platforms[1]), dba(platforms[2]), closed]
    made = Night(tmp_path / "night", *entries, **TOKENS)
    made.platforms = platforms
    assert made.pull("hub", day=RECENT) == 0, made.said.read_text()
    assert made.pull("home", "dba", "closed") == 2, made.said.read_text()
    assert made.coverage().keys() | made.coverage(RECENT).keys() == {"hub", "home", "dba"}
    return made


def test_secrets_reach_their_platforms_and_are_written_nowhere(night: Night) -> None:
    """Neither clout's own, nor what platforms put into bodies, headers and redirects."""
    for number, name in enumerate(("HUB", "HOME")):
        assert night.platforms[number].headers["authorization"] == f"Bearer {TOKENS[name]}"
    assert all(f"key={TOKENS['DBA']}" in path for path in night.platforms[2].asked)
    for platform in night.platforms[:3]:
        assert [path for path in platform.asked if QUERY in path]
    assert night.said.read_text().count("trying again") == 3
    assert {".zst", ".parquet", ".json", ".txt"} <= {path.suffix for path in holding(str(RECENT), night.folder)}
    for secret in (*TOKENS.values(), BODY, HEADER, QUERY, TEXT, "secret text", "private words"):
        assert holding(secret, night.folder) == [], secret


def test_the_same_night_again_asks_nothing_and_leaves_equal_rows_and_digests(night: Night) -> None:
    rows = night.rows()
    assert all(row["activity_digest"] for row in rows["coverage"])
    for platform in night.platforms:
        platform.asked.clear()
    assert night.pull("hub", day=RECENT) == night.pull("home", "dba") == 0, night.said.read_text()
    assert [platform.asked for platform in night.platforms] == [[]] * 4
    assert night.rows() == rows
    assert json.loads(night.runs(RECENT)[-1]["counts"])["requests"] == 0


# Under a wrong clock


def dated(answer: Callable[[str], Reply], at: datetime) -> Callable[[str], Reply]:
    """Answers with this as the platform's time."""

    def reply(path: str) -> Reply:
        found = answer(path)
        return found._replace(headers=(found.headers or {}) | {"Date": format_datetime(at, usegmt=True)})

    return reply


def early_news(platform: Platform, at: datetime) -> dict[str, Any]:
    """Hacker News, which has no item after this instant."""
    newest = news.FIRST_OF_DAY + int(at.timestamp() - news.MIDNIGHT) // news.SECONDS_APART
    platform.answer = lambda path: news.answer(path, min(newest, news.NEWEST))
    return {"source": "hn", "type": "hackernews", "ask": {"api": platform.url}}


def early_hub(platform: Platform, _: datetime) -> dict[str, Any]:
    repository(platform)
    return hub(platform, "Bo/Tool")


def early_home(platform: Platform, at: datetime) -> dict[str, Any]:
    peopled(platform).now = at
    return home(platform)


def early_dba(platform: Platform, _: datetime) -> dict[str, Any]:
    platform.answer = stackexchange.answer
    return dba(platform)


@pytest.mark.parametrize(
    ("source", "made", "day", "status"),
    [
        ("hn", early_news, DAY, ("partial", UNFINISHED)),
        ("hub", early_hub, RECENT, ("partial", "GitHub lists events up to 6 hours late: pull again after 06:00 UTC")),
        ("home", early_home, DAY, ("partial", UNFINISHED)),
        ("dba", early_dba, DAY, None),
    ],
)
def test_a_day_that_has_ended_by_this_machines_clock_only_is_not_complete(
    serve: Callable[[], Platform],
    tmp_path: Path,
    source: str,
    made: Callable[..., Any],
    day: date,
    status: tuple[str, str] | None,
) -> None:
    """The platform's clock decides; once it says that the day has ended, the next pull completes the day."""
    platform, noon = serve(), datetime.combine(day, clock(12), UTC)
    night = Night(tmp_path / "night")
    for at in (noon, noon + timedelta(days=1)):
        night.entries(made(platform, at))
        platform.answer = dated(platform.answer, at)
        code = night.pull(source, day=day)
        found = night.coverage(day).get(source)
        if at == noon:
            assert (code, found and (found["status"], found["reason"])) == (0 if status else 1, status)
    assert found is not None
    assert (code, found["status"], found["reason"]) == (0, "complete", None), night.said.read_text()


# Population


def test_a_population_is_named_in_coverage_and_runs_and_its_change_in_the_next_days_reason(
    serve: Callable[[], Platform], tmp_path: Path
) -> None:
    platform, before = serve(), RECENT - timedelta(days=1)
    lists = repository(platform).lists
    lists["/repos/bo/other/events"] = []
    night = Night(tmp_path / "night", hub(platform, "Bo/Tool"))
    assert night.pull("hub", day=before) == 0, night.said.read_text()
    night.entries(hub(platform, "Bo/Tool", "Bo/Other"))
    for day in (RECENT, before):  # the earlier day again, with the list of today
        assert night.pull("hub", day=day) == 0, night.said.read_text()
    said = {day: night.coverage(day)["hub"] for day in (before, RECENT)}
    assert {(row["scope"], row["status"]) for row in said.values()} == {("population", "complete")}
    assert said[before]["reason"] is None
    assert said[RECENT]["reason"] == f"the population changed since {before}: 1 new"
    marks = {day: {json.loads(run["parameters"])["population"] for run in night.runs(day)} for day in said}
    assert [len(found) for found in marks.values()] == [1, 1]
    assert marks[before] != marks[RECENT]
