"""A small GitLab on loopback: one project. Its answers have the form that GitLab's documents show; none are recorded."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jobs.sources.gitlab import GitLabSource
from jobs.sources.live.budget import Budget
from jobs.sources.live.settings import Limits, Settings
from tests.jobs.sources.platform_server import Platform, Reply

DAY = date(2026, 11, 3)
NOON = "2026-11-03T12:00:00.000Z"
T = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * 1_000_000
SECRET = "glpat-s3cr3t"
AWARDS = "award emoji are those on issues and merge requests with events since 2026-11-02"


def user(name: str) -> dict[str, Any]:
    return {"id": 1, "username": name, "name": "secret text", "state": "active"}


def event(number: Any, action: str, by: str = "Ana", at: str = NOON, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "project_id": 7, "action_name": action, "target_id": 900, "target_iid": None, "target_type": None,
        "author": user(by), "author_username": by, "created_at": at, "target_title": "secret text",
    } | more  # fmt: skip


def note(number: Any, on: Any = 12, kind: str = "Issue", **more: Any) -> dict[str, Any]:
    said = {"id": number, "body": "secret text", "system": False, "noteable_type": kind, "noteable_iid": on} | more
    return {"target_type": "Note", "note": said}


def thread(number: int, mark: str = "#", by: str = "Cleo", at: str = NOON, **more: Any) -> dict[str, Any]:
    return {
        "id": 900, "iid": number, "project_id": 7, "title": "secret text", "author": user(by), "created_at": at,
        "references": {"full": f"Bo/Tool{mark}{number}"},
    } | more  # fmt: skip


def award(number: int, by: str = "Dee", at: str = NOON, name: str = "thumbsup") -> dict[str, Any]:
    return {"id": number, "name": name, "user": user(by), "created_at": at, "awardable_type": "Issue"}


def about(kind: str = "issues", number: str = "12") -> dict[str, str]:
    return {"kind": kind, "project": "7", "number": number}


class GitLab:
    """Lists by path, in pages of two; a path that is not there answers 404."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.values: dict[str, Any] = {}
        platform.answer = self.answer

    def answer(self, path: str) -> Reply:
        parts = urlsplit(path.removeprefix("/api/v4"))
        value = self.values.get(parts.path)
        if not isinstance(value, list):
            return Reply({"message": "404 Not found"}, 404) if value is None else Reply(value)
        query = parse_qs(parts.query)
        if "after" in query:
            assert query["sort"] == ["asc"]
            value = [one for one in value if query["after"][0] < one.get("created_at", NOON)[:10] < query["before"][0]]
        page = int(query.get("page", ["1"])[0])
        url = f"{self.platform.url}/api/v4{parts.path}?{parts.query.partition('&page=')[0]}&page={page + 1}"
        return Reply(value[2 * page - 2 : 2 * page], 200, {"Link": f'<{url}>; rel="next"'} if value[2 * page :] else {})


EXPECTED = {
    ("mention", "cleo", "7#12"), ("post", "cleo", "7#12"), ("reply", "ana", "note-70"), ("reply", "dee", "note-71"),
    ("post", "bo", "event-6"), ("like", "dee", "award-2"), ("like", "dee", "award-3"), ("like", "gus", "award-4"),
}  # fmt: skip


def filled(platform: Platform) -> GitLab:
    """One project with one day of events; likes on an issue of the day and on one of the day before."""
    made = GitLab(platform)
    made.values["/projects/bo%2Ftool/events"] = [
        event(1, "closed", at="2026-10-20T12:00:00.000Z", target_type="Issue", target_iid=9),
        event(2, "closed", at="2026-11-02T12:00:00.000Z", target_type="Issue", target_iid=10),
        event(3, "opened", by="Cleo", target_type="Issue", target_iid=12),
        event(4, "commented on", **note(70)),
        event(5, "commented on", by="Dee", **note(71, 3, "MergeRequest")),
        event(6, "pushed to", by="Bo"),
        event(7, "commented on", at="2026-11-04T00:00:00.000Z", **note(72)),
    ]
    made.values["/projects/bo%2Ftool"] = made.values["/projects/7"] = {
        "id": 7,
        "visibility": "public",
        "name": "secret text",
    }
    made.values["/projects/7/issues/10"] = thread(10, at="2026-01-01T00:00:00.000Z", by="Eve")
    made.values["/projects/7/issues/12"] = thread(12)
    made.values["/projects/7/merge_requests/3"] = thread(3, "!", by="Fay", at="2026-11-01T00:00:00.000Z")
    made.values["/projects/7/issues/10/award_emoji"] = [award(1, at="2026-02-01T00:00:00.000Z"), award(2)]
    made.values["/projects/7/issues/12/award_emoji"] = [award(3), award(4, by="Gus"), award(5, name="thumbsdown")]
    made.values["/projects/7/merge_requests/3/award_emoji"] = []
    return made


def opened(lab: GitLab, landing: Path, requests: int = 1_000, **ask: Any) -> GitLabSource:
    asked = {"site": lab.platform.url} | (ask or {"projects": ["Bo/Tool"]})
    return GitLabSource(
        Settings(
            id="gl", landing=landing, ask=asked, limits=Limits(requests=requests),
            budget=lambda number, minutes: Budget(number, minutes, sleep=lambda _: None),
        )
    )  # fmt: skip


def pulled(source: GitLabSource, day: date = DAY) -> tuple[set[tuple], list[str]]:
    pages = list(source.pages(day, day))
    begin = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000
    acts = [
        act for page in pages for act in page.acts.to_pylist() if begin <= act["occurred_at"] < begin + 86_400_000_000
    ]
    return {(act["kind"], act["actor_id"], act["activity_id"]) for act in acts}, [
        note.reason for page in pages for note in page.notes
    ]
