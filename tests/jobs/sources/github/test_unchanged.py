"""Lists of events that have not changed since they were last read, through the real client."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.sources import github
from jobs.sources.live.recording import Recording
from tests.jobs.sources.github.made import BY_EVENTS, DAY, NEXT_NOON, ON_CODE, GitHub, event, opened, pulled
from tests.jobs.sources.platform_server import Reply


class Versioned(GitHub):
    """`unchanged` holds the paths of lists that had not changed."""

    unchanged: list[str]


@pytest.fixture
def versioned(hub: Versioned) -> Versioned:
    """Answers with the version of each page of events, or only that it has not changed."""
    whole = hub.answer
    hub.unchanged = []

    def answer(path: str) -> Reply:
        reply = whole(path)
        if "/events" not in path or reply.status != 200:
            return reply
        etag = f'W/"{hashlib.sha256(reply.body).hexdigest()}"'
        if hub.platform.headers.get("if-none-match") == etag:
            hub.unchanged.append(path)
            return Reply(b"", 304, {"ETag": etag})
        return reply._replace(headers=(reply.headers or {}) | {"ETag": etag})

    hub.platform.answer = answer
    return hub


LATE = ("like", "late", "9")  # of the day after, already listed on the day


@pytest.mark.parametrize("nights", [1, 2])
def test_a_list_that_has_not_changed_is_not_read_again_on_later_days(
    versioned: Versioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nights: int
) -> None:
    days = [DAY + timedelta(days=number) for number in range(nights + 1)]
    found = []
    for number, day in enumerate(days):
        monkeypatch.setattr(github, "_now", lambda number=number: NEXT_NOON + timedelta(days=number))
        versioned.platform.asked.clear()
        found.append(pulled(opened(versioned, tmp_path), day))
    assert found == [(BY_EVENTS, []), ({LATE}, []), (set(), [])][: nights + 1]
    assert len(versioned.unchanged) == nights
    assert len(versioned.platform.asked) == 1
    assert pulled(opened(versioned, tmp_path), days[-1]) == found[-1]


def test_a_list_that_has_changed_is_read(versioned: Versioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled(opened(versioned, tmp_path))
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=1))
    versioned.lists["/repos/bo/tool/events"].insert(0, event("10", "2026-11-04T13:00:00Z", actor="new"))
    found, notes = pulled(opened(versioned, tmp_path), DAY + timedelta(days=1))
    assert (found, notes, versioned.unchanged) == ({LATE, ("like", "new", "10")}, [], [])


def test_a_day_that_was_asked_too_early_is_whole_if_its_list_has_not_changed(
    versioned: Versioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON.replace(hour=1))
    pulled(opened(versioned, tmp_path))
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON)
    assert pulled(opened(versioned, tmp_path)) == (BY_EVENTS, [])
    assert len(versioned.unchanged) == 1
    lines = Recording(tmp_path / "gh" / str(DAY), "bo/tool").items
    assert len(lines) == len(set(lines))
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=1))
    assert pulled(opened(versioned, tmp_path), DAY + timedelta(days=1)) == ({LATE}, [])
    assert len(versioned.unchanged) == 2


def test_a_day_that_did_not_reach_back_says_nothing_about_later_ones(
    versioned: Versioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versioned.lists["/repos/bo/tool/events"].pop()
    versioned.lists["/repos/bo/tool/events"] *= 2  # three full pages
    pulled(opened(versioned, tmp_path))
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=1))
    pulled(opened(versioned, tmp_path), DAY + timedelta(days=1))
    assert versioned.unchanged == []


def test_an_author_is_looked_up_for_an_event_of_a_list_that_has_not_changed(
    versioned: Versioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versioned.lists["/repos/bo/tool/events"].insert(
        0, event("81", "2026-11-04T02:00:00Z", "PullRequestReviewCommentEvent", "dan", **ON_CODE)
    )
    pulled(opened(versioned, tmp_path))
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=1))
    versioned.platform.asked.clear()
    pulled(opened(versioned, tmp_path), DAY + timedelta(days=1))
    assert versioned.unchanged
    assert "/repos/bo/tool/issues" in versioned.paths()
