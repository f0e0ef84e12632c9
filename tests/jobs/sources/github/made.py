"""A small GitHub on loopback: one repository with one day of stars, comments and openings."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jobs.sources.github import GitHubSource
from jobs.sources.live.budget import Budget
from jobs.sources.live.settings import Limits, Settings
from tests.jobs.sources.platform_server import Platform, Reply

DAY = date(2026, 11, 3)
NEXT_NOON = datetime(2026, 11, 4, 12, tzinfo=UTC)
T = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * 1_000_000
NOON = "2026-11-03T12:00:00Z"
SECRET = "ghp_s3cr3t"
REPO = "https://api.github.com/repos/Bo/Tool"


def user(login: str = "Ana", type_: str = "User") -> dict[str, Any]:
    return {"login": login, "id": 1, "type": type_, "bio": "secret text"}


def event(
    event_id: Any, /, at: str = NOON, kind: str = "WatchEvent", actor: str = "ana", **payload: Any
) -> dict[str, Any]:
    return {
        "id": event_id, "type": kind, "actor": {"id": 1, "login": actor, "avatar_url": "secret text"}, "public": True,
        "repo": {"id": 2, "name": "Bo/Tool"}, "payload": payload | {"ref": "secret text"}, "created_at": at,
    }  # fmt: skip


# Nobody names the author of 13.
ON_CODE: dict[str, Any] = {"action": "created", "pull_request": {"number": 13}, "comment": {"id": 80}}


def issue(number: int, at: str = NOON, by: Any = "Cleo", **more: Any) -> dict[str, Any]:
    return {"url": f"{REPO}/issues/{number}", "number": number, "user": user(by), "created_at": at,
            "title": "secret text", "body": "secret text"} | more  # fmt: skip


def comment(number: Any, on: int = 12, at: str = NOON, by: str = "Ana") -> dict[str, Any]:
    return {"id": number, "issue_url": f"{REPO}/issues/{on}", "user": user(by), "created_at": at, "body": "secret text"}


def code_comment(number: int, on: int = 13, at: str = NOON, by: str = "Dan") -> dict[str, Any]:
    return {"id": number, "pull_request_url": f"{REPO}/pulls/{on}", "user": user(by), "created_at": at,
            "body": "secret text", "diff_hunk": "secret text"}  # fmt: skip


class GitHub:
    """Lists by path, in pages of `size`; a path that is not there answers 404."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.size = 2
        self.lists: dict[str, list[Any]] = {}
        platform.answer = self.answer

    def answer(self, path: str) -> Reply:
        parts = urlsplit(path)
        if parts.path not in self.lists:
            return Reply({"message": "Not Found"}, 404)
        query = parse_qs(parts.query)
        page = int(query.get("page", ["1"])[0])
        items = self.lists[parts.path]
        if "since" in query:
            assert query["sort"] == ["created"]
            assert query["direction"] == ["asc"]
            assert (query.get("state") == ["all"]) is parts.path.endswith("/issues")
            items = [item for item in items if item.get("updated_at", item.get("created_at", "9")) >= query["since"][0]]
        rest = items[page * self.size :]
        url = f"{self.platform.url}{parts.path}?{parts.query.partition('&page=')[0]}&page={page + 1}"
        return Reply(
            items[(page - 1) * self.size : page * self.size], 200, {"Link": f'<{url}>; rel="next"'} if rest else {}
        )

    def paths(self) -> list[str]:
        return [urlsplit(path).path for path in self.platform.asked]


def filled(platform: Platform) -> GitHub:
    """The repository `bo/tool` with its events and lists."""
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


def opened(hub: GitHub, landing: Path, requests: int = 1_000, **ask: Any) -> GitHubSource:
    asked = {"api": hub.platform.url} | (ask or {"repositories": ["Bo/Tool"]})
    return GitHubSource(
        Settings(
            id="gh", landing=landing, ask=asked, limits=Limits(requests=requests),
            budget=lambda number, minutes: Budget(number, minutes, sleep=lambda _: None),
        )
    )  # fmt: skip


def pulled(source: GitHubSource, day: date = DAY) -> tuple[set[tuple], list[Any]]:
    """What a pull of the day would keep, and its notes."""
    pages = list(source.pages(day, day))
    acts = [act for page in pages for act in page.acts.to_pylist()]
    begin = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000
    of_day = {
        (act["kind"], act["actor_id"], act["activity_id"])
        for act in acts
        if begin <= act["occurred_at"] < begin + 86_400_000_000
    }
    return of_day, [note for page in pages for note in page.notes]


BY_EVENTS = {
    ("like", "ana", "8"), ("reply", "ana", "issuecomment-70"),
    ("mention", "cleo", "bo/tool#12"), ("post", "cleo", "bo/tool#12"),
}  # fmt: skip
BY_LISTS = {
    ("reply", "ana", "issuecomment-70"), ("reply", "ana", "issuecomment-71"), ("reply", "dan", "discussion_r80"),
    ("mention", "cleo", "bo/tool#12"), ("post", "cleo", "bo/tool#12"),
    ("mention", "fay", "bo/tool#13"), ("post", "fay", "bo/tool#13"),
}  # fmt: skip
