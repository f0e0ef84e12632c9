"""The small GitHub, for one test."""

from datetime import timedelta

import pytest

from jobs.sources import github
from tests.jobs.sources.github.made import NEXT_NOON, REPO, GitHub, code_comment, comment, event, issue, user
from tests.jobs.sources.platform_server import Platform


@pytest.fixture
def hub(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """The pull is at noon of the day after."""
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON)
    made = GitHub(platform)
    made.lists["/repos/bo/tool/events"] = [
        event("9", "2026-11-04T01:00:00Z", actor="late"),
        event("8"),
        event("7", kind="IssueCommentEvent", action="created", issue={"number": 12, "user": user("Cleo")}, comment={"id": 70}),
        event("6", kind="IssuesEvent", actor="cleo", action="opened", issue={"number": 12, "user": user("Cleo")}),
        event("5", "2026-11-02T23:59:59Z", actor="early"),
    ]  # fmt: skip
    made.lists["/repos/bo/tool/issues"] = [
        issue(11, "2026-10-01T00:00:00Z", by="Eve", updated_at="2026-11-05T00:00:00Z"),
        issue(12),
        issue(13, by="Fay", pull_request={"url": f"{REPO}/pulls/13"}),
        issue(14, "2026-11-04T09:00:00Z"),
    ]
    made.lists["/repos/bo/tool/issues/comments"] = [
        comment(60, at="2026-11-01T00:00:00Z") | {"updated_at": "2026-11-09T00:00:00Z"},
        comment(70),
        comment(71, on=11),
        comment(72, at="2026-11-04T00:00:00Z"),
    ]
    made.lists["/repos/bo/tool/pulls/comments"] = [code_comment(80)]
    return made


@pytest.fixture
def long_ago(hub: GitHub, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """The day is asked so much later that its events may be gone, and all lists are read."""
    hub.lists["/repos/bo/tool/events"].pop()
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=45))
    return hub
