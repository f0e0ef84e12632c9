"""GitHub through its real client, against a server on loopback with a small platform of made repositories."""

import json
import logging
import tarfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from backports import zstd

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.sources import github, github_unit
from jobs.sources.budget import Budget
from jobs.sources.github import GitHubAsk, GitHubSource
from jobs.sources.github_events import parse
from jobs.sources.github_lists import CODE_COMMENTS, COMMENTS, ISSUES, as_event, kept_event
from jobs.sources.http import NotAllowedError
from jobs.sources.page import Account, Act, Author, Ignored, Unresolved
from jobs.sources.settings import Limits, Settings
from jobs.sources.spec import LiveOptions, SourceSpec, parse_specs
from jobs.sources.values import ACTOR_WITHDRAWN, NO_TARGET
from jobs.warehouse import counted
from jobs.warehouse.runs import Batch
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.killed import killed_at, recorded
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


ON_CODE = {"action": "created", "pull_request": {"number": 13}, "comment": {"id": 80}}  # nobody names the author of 13


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
            items = [item for item in items if item.get("updated_at", item.get("created_at", "9")) >= query["since"][0]]
        rest = items[page * self.size :]
        url = f"{self.platform.url}{parts.path}?{parts.query.partition('&page=')[0]}&page={page + 1}"
        return Reply(
            items[(page - 1) * self.size : page * self.size], 200, {"Link": f'<{url}>; rel="next"'} if rest else {}
        )

    def paths(self) -> list[str]:
        return [urlsplit(path).path for path in self.platform.asked]


@pytest.fixture
def hub(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """One repository with one day of stars and comments; the pull is at noon of the day after."""
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


# One item


@pytest.mark.parametrize(
    ("kind", "item", "records"),
    [
        (ISSUES, issue(12), (Act("mention", "cleo", "bo", T, "bo/tool#12"), Act("post", "cleo", "cleo", T, "bo/tool#12"),
                             Author("bo/tool#12", "cleo"))),
        (ISSUES, issue(13, by="Bo", pull_request={}), (Act("post", "bo", "bo", T, "bo/tool#13"), Author("bo/tool#13", "bo"))),
        (COMMENTS, comment(7), (Act("reply", "ana", None, T, "issuecomment-7", "bo/tool#12"),)),
        (CODE_COMMENTS, code_comment(8), (Act("reply", "dan", None, T, "discussion_r8", "bo/tool#13"),)),
        (COMMENTS, comment(7) | {"user": None}, (Unresolved(ACTOR_WITHDRAWN, T),)),
        (COMMENTS, comment(7) | {"issue_url": "x"}, (Unresolved(NO_TARGET, T), Act("post", "ana", "ana", T, "issuecomment-7"))),
        (COMMENTS, comment(7) | {"user": user("ci[bot]", "Bot")}, (
            Act("reply", "ci[bot]", None, T, "issuecomment-7", "bo/tool#12"),
            Account("ci[bot]", T, handle="ci[bot]", is_bot=True),
        )),
    ],
)  # fmt: skip
def test_what_an_item_of_a_list_becomes(kind, item, records):
    assert parse(orjson.dumps(as_event(kind, item, is_of_day=True))) == records


def test_an_issue_of_another_day_names_its_author_only():
    at = T - 86_400_000_000
    found = parse(orjson.dumps(as_event(ISSUES, issue(12, "2026-11-02T12:00:00Z"), is_of_day=False)))
    assert found == (Ignored(at), Author("bo/tool#12", "cleo"))


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"action": "created", "issue": {"number": 12, "user": user("Cleo")}, "comment": {"id": 7, "user": user()}},
        {"action": "created", "pull_request": {"number": 12}, "comment": {"id": 7, "commit_id": "c0ffee"}},
        {"action": "created", "pull_request": {"number": 12}, "review": {"id": 8, "state": "commented", "body": None}},
        {"action": "created", "pull_request": {"number": 12}, "review": {"id": 8, "state": "commented", "body": "secret text"}},
        {"action": "opened", "number": 12, "issue": {"number": 12, "user": user("Cleo")}},
        {"ref_type": "repository", "description": "secret text"},
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "kind",
    ["WatchEvent", "IssueCommentEvent", "PullRequestReviewEvent", "PullRequestReviewCommentEvent", "CommitCommentEvent",
     "IssuesEvent", "PullRequestEvent", "CreateEvent", "PushEvent", "SomethingNew"],
)  # fmt: skip
def test_a_recorded_event_says_the_same_as_the_whole_one(kind, payload):
    def outcome(line: bytes) -> Any:
        try:
            return parse(line)
        except Exception as error:
            return str(error)

    whole = event("7", kind=kind, **payload)
    line = orjson.dumps(kept_event(whole))
    assert b"secret" not in line
    assert outcome(line) == outcome(orjson.dumps(whole))


def test_hostile_items_are_rejected_and_nothing_breaks(survives):
    def parsed(line: bytes) -> Any:
        try:
            kind, item = orjson.loads(line)  # refuses half of a surrogate pair, as the client does
        except (ValueError, TypeError):
            return ()
        lists = [ISSUES, COMMENTS, CODE_COMMENTS]
        return parse(orjson.dumps(as_event(kind, item, is_of_day=True) if kind in lists else kept_event(item)))

    items = ((ISSUES, issue(12)), (COMMENTS, comment(7)), (CODE_COMMENTS, code_comment(8)), ("events", event("1")))
    survives(parsed, [orjson.dumps(pair) for pair in items])


# A day


def test_a_day_by_events_is_whole(hub, tmp_path):
    assert pulled(opened(hub, tmp_path)) == (BY_EVENTS, [])
    assert hub.paths() == ["/repos/bo/tool/events"] * 3
    assert "per_page=100" in hub.platform.asked[0]


def test_a_short_list_of_events_is_whole_within_github_s_memory(hub, tmp_path):
    del hub.lists["/repos/bo/tool/events"][3:]
    assert pulled(opened(hub, tmp_path)) == ({("like", "ana", "8"), ("reply", "ana", "issuecomment-70")}, [])
    assert hub.paths() == ["/repos/bo/tool/events"] * 2


def test_a_day_by_lists_where_300_events_do_not_reach_back(hub, tmp_path):
    hub.lists["/repos/bo/tool/events"][3:] = [event(str(number)) for number in (3, 2, 1)]
    found, (note,) = pulled(opened(hub, tmp_path))
    likes = {("like", "ana", number) for number in "8321"}
    assert found == BY_LISTS | likes
    assert note.reason == (
        "1 of 1 repositories and accounts: its 300 events do not reach back to the day's start: stars, forks, pushes and"
        " reviews are missing"
    )
    assert (note.partial, note.lasting) == (True, True)


@pytest.mark.parametrize(("days", "asks_events"), [(45, True), (2_000, False)])
def test_a_day_of_years_ago_by_lists(hub, tmp_path, monkeypatch, days, asks_events):
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=days))
    hub.lists["/repos/bo/tool/events"] = []
    found, (note,) = pulled(opened(hub, tmp_path))
    assert found == BY_LISTS
    assert "GitHub's events do not reach back" in note.reason
    assert ("/repos/bo/tool/events" in hub.paths()) is asks_events
    assert sum(path.endswith("/issues/comments") for path in hub.paths()) == 2
    assert all("since=2026-11-02T23%3A59%3A59Z" in path for path in hub.platform.asked if "since" in path)


def test_both_ways_give_the_same_rows_and_gharchive_the_same_ids(hub, tmp_path, warehouse, monkeypatch):
    """Comments and openings by events of GH Archive, by events of the API and by lists: of each act, all rows agree in what
    makes them one act."""
    hub.lists["/repos/bo/tool/events"][1:1] = [
        event("81", kind="PullRequestReviewCommentEvent", actor="dan", **ON_CODE),
        event("82", kind="PullRequestEvent", actor="fay", action="opened", number=13, pull_request={"number": 13}),
        event("83", kind="IssueCommentEvent", action="created", issue={"number": 11, "user": user("Eve")}, comment={"id": 71}),
    ]  # fmt: skip
    hub.size = 100
    hours = tmp_path / "hours"
    hours.mkdir()
    lines = [orjson.dumps(item) for item in hub.lists["/repos/bo/tool/events"] if item["created_at"] == NOON]
    for hour in range(24):
        ignored = orjson.dumps(event("x", f"2026-11-03T{hour:02}:00:00Z", "GollumEvent"))
        (hours / f"2026-11-03-{hour}.json").write_bytes(b"\n".join([ignored, *(lines if hour == 12 else [])]))

    def pull(spec: SourceSpec) -> None:
        params = pull_activity.Params(source=spec, first_day=DAY, last_day=DAY)
        pull_activity.run(warehouse, params, Batch("test"))

    ask = {"repositories": ["Bo/Tool"], "api": hub.platform.url}
    pull(SourceSpec("live", "github", (), None, LiveOptions(ask=ask)))
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=2_000))
    pull(SourceSpec("years-later", "github", (), None, LiveOptions(ask=ask)))
    pull(parse_specs([f"gharchive={hours}"])[0])

    rows = (
        warehouse.read(ACTIVITY).filter(counted.condition(warehouse.read(COVERAGE, columns=counted.NAMES))).to_pylist()
    )
    names = ("day", "platform", "actor_id", "target_id", "activity_id", "kind")
    by_source = {
        source: {tuple(row[name] for name in names) for row in rows if row["source"] == source}
        for source in ("live", "years-later", "gharchive")
    }  # fmt: skip
    assert by_source["live"] == by_source["gharchive"]
    like = (DAY, "github", "ana", "bo", "8", "like")
    assert by_source["years-later"] == by_source["live"] - {like}
    assert len(by_source["years-later"]) == 7


def test_a_pull_request_that_events_do_not_name_the_author_of_is_looked_up(hub, tmp_path, warehouse):
    hub.lists["/repos/bo/tool/events"][1:1] = [
        event("81", kind="PullRequestReviewCommentEvent", actor="dan", **ON_CODE)
    ]  # fmt: skip
    ask = {"repositories": ["Bo/Tool"], "api": hub.platform.url}
    spec = SourceSpec("live", "github", (), None, LiveOptions(ask=ask))
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test"))
    (row,) = [row for row in warehouse.read(ACTIVITY).to_pylist() if row["actor_id"] == "dan"]
    assert (row["target_id"], row["activity_id"]) == ("fay", "discussion_r80")
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert {name: coverage[name] for name in ("platform", "source", "status", "reason", "scope")} == {
        "platform": "github", "source": "live", "status": "complete", "reason": None, "scope": "population",
    }  # fmt: skip


def test_what_users_and_organisations_do(hub, tmp_path):
    hub.lists["/users/ci%5Bbot%5D/events/public"] = [event("1", actor="ci[bot]")]
    hub.lists["/orgs/acme/events"] = [event("2"), event("8")]
    hub.lists["/users/gone/events/public"] = [event(str(number)) for number in range(20, 40)]
    source = opened(hub, tmp_path, users=["ci[bot]", "Gone"], organizations=["Acme"], repositories=["Bo/Tool"])
    found, (note,) = pulled(source)
    others = {("like", "ana", str(number)) for number in (2, *range(20, 26))}
    assert found == BY_EVENTS | others | {("like", "ci[bot]", "1")}
    assert note.reason == "1 of 4 repositories and accounts: its 300 events do not reach back to the day's start"


def test_users_have_no_events_of_years_ago_and_are_not_asked(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=2_000))
    found, (note,) = pulled(opened(hub, tmp_path, users=["ana"]))
    assert (found, hub.platform.asked) == (set(), [])
    assert note.reason == "1 of 1 repositories and accounts: GitHub's events do not reach back to the day's start"


def test_no_text_is_recorded(hub, tmp_path, monkeypatch):
    pulled(opened(hub, tmp_path / "events"))
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=2_000))
    pulled(opened(hub, tmp_path / "lists"))
    assert len(recorded(tmp_path)) > 6
    assert not [path for path in recorded(tmp_path) if b"secret" in zstd.decompress(path.read_bytes())]


# Interrupted, repeated, early


@pytest.fixture
def long_ago(hub: GitHub, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """The day is asked so much later that its events may be gone, and all lists are read."""
    hub.lists["/repos/bo/tool/events"].pop()
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=45))
    return hub


def test_the_same_day_again_asks_nothing_and_gives_the_same_rows(long_ago, tmp_path):
    first = pulled(opened(long_ago, tmp_path))
    long_ago.platform.asked.clear()
    assert pulled(opened(long_ago, tmp_path)) == first
    assert long_ago.platform.asked == []


def test_a_pull_that_is_killed_at_a_rename_asks_at_most_one_page_again(long_ago, tmp_path):
    whole = pulled(opened(long_ago, tmp_path / "whole"))
    requests = len(long_ago.platform.asked)
    renames = len(recorded(tmp_path / "whole")) + 1  # the population's, too
    assert renames >= 7
    for number in range(renames):
        long_ago.platform.asked.clear()
        landing = tmp_path / str(number)
        with killed_at(number):
            pulled(opened(long_ago, landing))
        assert pulled(opened(long_ago, landing)) == whole
        assert len(long_ago.platform.asked) <= requests + 1


@pytest.mark.parametrize("requests", [1, 3, 5])
def test_a_pull_out_of_budget_says_so_and_the_next_one_goes_on(long_ago, tmp_path, requests):
    whole = pulled(opened(long_ago, tmp_path / "whole"))
    long_ago.platform.asked.clear()
    _, (note,) = pulled(opened(long_ago, tmp_path, requests))
    assert note.reason == (
        f"the budget of {requests} requests is used up after 0 of 1 repositories and accounts; the next pull resumes there"
    )
    assert (note.partial, note.lasting, note.absent) == (True, False, False)
    assert pulled(opened(long_ago, tmp_path)) == whole
    assert len(long_ago.platform.asked) == len(set(long_ago.platform.asked))


def test_a_day_that_is_asked_too_early_is_asked_once_more(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON.replace(hour=1))
    late = hub.lists["/repos/bo/tool/events"].pop(1)
    found, (note,) = pulled(opened(hub, tmp_path))
    assert found == BY_EVENTS - {("like", "ana", "8")}
    assert (note.reason, note.partial, note.lasting) == (
        "GitHub lists events up to 6 hours late: pull again after 06:00 UTC", True, False,
    )  # fmt: skip
    hub.platform.asked.clear()
    assert pulled(opened(hub, tmp_path)) == (found, [note])  # a task that is retried asks nothing meanwhile
    assert hub.platform.asked == []
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON.replace(hour=6))
    hub.lists["/repos/bo/tool/events"].insert(1, late)
    assert pulled(opened(hub, tmp_path)) == (BY_EVENTS, [])


def test_a_pull_that_began_too_early_and_was_killed_begins_again(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON.replace(hour=1))
    late = hub.lists["/repos/bo/tool/events"].pop(1)
    pulled(opened(hub, tmp_path, requests=1))
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON)
    hub.lists["/repos/bo/tool/events"].insert(1, late)
    assert pulled(opened(hub, tmp_path)) == (BY_EVENTS, [])


# Faults of the platform


def test_a_unit_that_is_gone_or_private_does_not_stop_the_others(hub, tmp_path):
    found, (note,) = pulled(opened(hub, tmp_path, repositories=["gone/gone", "bo/tool"], users=["nobody"]))
    assert found == BY_EVENTS
    assert note.reason == "2 of 3 repositories and accounts: not there"
    assert note.lasting


def test_a_renamed_repository_answers_under_its_new_name(hub, tmp_path):
    whole = hub.answer

    def answer(path: str) -> Reply:
        if path.startswith("/repos/old/name/events"):
            return Reply(
                {"message": "Moved Permanently"},
                301,
                {"Location": f"{hub.platform.url}/repositories/7/events?per_page=100"},
            )
        return whole(path.replace("/repositories/7/", "/repos/bo/tool/"))

    hub.platform.answer = answer
    assert pulled(opened(hub, tmp_path, repositories=["old/name"])) == (BY_EVENTS, [])


def test_a_repository_without_issues_still_has_comments_on_code(long_ago, tmp_path):
    whole = long_ago.answer
    long_ago.platform.answer = lambda path: Reply({}, 410) if "/issues" in path else whole(path)
    found, (note,) = pulled(opened(long_ago, tmp_path))
    assert found == {("reply", "dan", "discussion_r80")} | BY_EVENTS  # of 45 days ago GitHub may still list events
    assert "not there" not in note.reason


@pytest.mark.parametrize(
    "limit",
    [
        Reply({"message": "API rate limit exceeded"}, 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}),
        Reply({"message": "You have exceeded a secondary rate limit"}, 403, {"retry-after": "60"}),
        Reply({"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}, 403),
        Reply({}, 429, {"retry-after": "1"}),
    ],
)
def test_a_limit_is_waited_for(hub, tmp_path, limit):
    whole, replies = hub.answer, [limit]
    hub.platform.answer = lambda path: replies.pop() if replies else whole(path)
    waits: list[float] = []
    settings = Settings(
        id="gh", landing=tmp_path, ask={"api": hub.platform.url, "repositories": ["bo/tool"]},
        budget=lambda number, minutes: Budget(number, minutes, sleep=waits.append),
    )  # fmt: skip
    assert pulled(GitHubSource(settings)) == (BY_EVENTS, [])
    assert len(waits) == 1
    assert waits[0] >= 2


def test_the_limit_without_a_token_ends_the_pull_until_the_next_one(hub, tmp_path):
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3500"}
    whole = hub.answer
    hub.platform.answer = lambda path: Reply({}, 403, headers) if "page=2" in path else whole(path)
    _, (note,) = pulled(opened(hub, tmp_path))
    assert note.reason.startswith("the platform asks to wait 3,501 s after 0 of 1 repositories and accounts")
    hub.platform.answer = whole
    assert pulled(opened(hub, tmp_path)) == (BY_EVENTS, [])


@pytest.mark.parametrize(
    "body",
    [b"<html>secret text</html>", b"", b'[{"id": "1", ', b'{"message": "secret text"}'],
    ids=["HTML", "empty", "cut", "object"],
)
def test_an_answer_that_is_no_list_fails_the_unit_only(hub, tmp_path, body):
    whole = hub.answer
    hub.platform.answer = lambda path: Reply(body) if "/repos/odd/" in path else whole(path)
    found, (note,) = pulled(opened(hub, tmp_path, repositories=["odd/odd", "bo/tool"]))
    assert found == BY_EVENTS
    assert note.reason.startswith("1 of 2 repositories and accounts failed, most with: ")
    assert "secret" not in note.reason
    assert (note.partial, note.lasting) == (True, False)


@pytest.mark.parametrize("step", [0, 1], ids=["to the same page", "to ever new pages"])
def test_an_endless_next_ends(hub, tmp_path, monkeypatch, step):
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=2_000))
    pages = iter(range(10**6))
    link = lambda: f'<{hub.platform.url}/again?n={next(pages) * step}>; rel="next"'  # noqa: E731
    hub.platform.answer = lambda _: Reply([code_comment(1)], 200, {"Link": link()})
    _, (note,) = pulled(opened(hub, tmp_path, requests=40))
    assert note.partial
    assert ("links back" in note.reason) is (step == 0)
    assert len(hub.platform.asked) == (2 if step == 0 else 40)


def test_events_stop_after_300_whatever_the_link_says(hub, tmp_path):
    def answer(_: str) -> Reply:
        following = f'<{hub.platform.url}/users/ana/events/public?n={len(hub.platform.asked)}>; rel="next"'
        return Reply([event("1")], 200, {"Link": following})

    hub.platform.answer = answer
    pulled(opened(hub, tmp_path, users=["ana"]))
    assert len(hub.platform.asked) == github_unit.EVENT_PAGES


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"id": "1"}, "time is not an RFC 3339 time"),
        ("secret text", "line is not a JSON object"),
        (event("1") | {"actor": {"login": ["secret text"]}}, "actor id is neither a string nor a number"),
        (event("1", kind="Unheard"), "event is of an unknown type"),
    ],
)
def test_one_odd_event_is_rejected_and_the_others_survive(hub, tmp_path, odd, reason):
    hub.lists["/repos/bo/tool/events"].insert(1, odd)
    pages = list(opened(hub, tmp_path).pages(DAY, DAY))
    acts = {act["activity_id"] for page in pages for act in page.acts.to_pylist()}
    faults = [fault["reason"] for page in pages for fault in page.faults.to_pylist()]
    assert acts >= {"8", "issuecomment-70", "bo/tool#12"}
    assert len(faults) == 1
    assert "secret" not in str([page.faults.to_pylist() for page in pages])


def test_ids_beyond_64_bits_and_right_to_left_names(hub, tmp_path):
    large = str(2**70)
    hub.lists["/repos/bo/tool/events"].insert(1, event(large, actor="\u202eعلي"))
    found, _ = pulled(opened(hub, tmp_path))
    assert ("like", "\u202eعلي", large) in found


# Who is asked, and with which token


def test_a_token_is_sent_in_a_header_and_shown_nowhere(hub, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("CLOUT_CONNECTION_GH", SECRET)
    _, notes = pulled(opened(hub, tmp_path, repositories=["bo/tool", "gone/gone"]))
    assert hub.platform.headers["authorization"] == f"Bearer {SECRET}"
    texts = [caplog.text, *hub.platform.asked, *(note.reason for note in notes)]
    texts += [zstd.decompress(path.read_bytes()).decode() for path in recorded(tmp_path)]
    assert not [text for text in texts if SECRET in text]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_fails_at_once_and_names_the_connection(hub, tmp_path, monkeypatch, status):
    monkeypatch.setenv("CLOUT_CONNECTION_GH", SECRET)
    hub.platform.answer = lambda _: Reply({"message": f"Bad credentials {SECRET}"}, status)
    with pytest.raises(NotAllowedError, match=rf"not allowed \({status}\); check connection 'gh'$") as raised:
        pulled(opened(hub, tmp_path))
    assert SECRET not in str(raised.value)
    assert len(hub.platform.asked) == 1


def test_without_a_token_nothing_is_sent_and_the_log_says_the_limit(hub, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    pulled(opened(hub, tmp_path))
    assert "authorization" not in hub.platform.headers
    assert "GitHub allows 60 requests an hour, with a token 5,000" in caplog.text


def test_the_population_changed_between_nights(hub, tmp_path):
    hub.lists["/repos/bo/other/events"] = []
    pulled(opened(hub, tmp_path), DAY - timedelta(days=1))
    _, notes = pulled(opened(hub, tmp_path, repositories=["BO/tool", "Bo/Other"]))
    assert [note.reason for note in notes] == ["the population changed since 2026-11-02: 1 new"]


def test_members_come_from_files_too(hub, tmp_path):
    (tmp_path / "repositories.txt").write_text("# ours\nBo/Tool\t2026-11-01\nBo/Later\t2026-12-01\nbo/TOOL\n")
    asked = {"repositories": "repositories.txt", "api": hub.platform.url}
    source = GitHubSource(Settings(id="gh", landing=tmp_path / "landing", ask=asked, folder=tmp_path))
    assert pulled(source) == (BY_EVENTS, [])
    (tmp_path / "repositories.txt").write_text("Bo\n")
    with pytest.raises(UsageError, match="'Bo' is no name on GitHub; expected OWNER/REPO"):
        pulled(source, DAY + timedelta(days=1))


def test_places_say_what_to_ask():
    assert GitHubAsk.of_places(["Bo/Tool.js", "ana", "orgs/Acme", "ci[bot]"]) == {
        "repositories": ["Bo/Tool.js"], "users": ["ana", "ci[bot]"], "organizations": ["Acme"],
    }  # fmt: skip
    for place in ("https://github.com/bo/tool", "bo/", "bo/..", "orgs/", "a b", "bo/tool/issues", "../x", "bo?x=1"):
        with pytest.raises(UsageError, match="is no name on GitHub"):
            GitHubAsk.of_places([place])


@pytest.mark.parametrize(
    ("ask", "fault"),
    [
        ({}, "needs `repositories`, `users` or `organizations`"),
        ({"repositories": ["bo"]}, "'bo' is no name on GitHub"),
        ({"users": ["bo/tool"]}, "'bo/tool' is no name on GitHub"),
        ({"everyone": True}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_ask_is_refused(ask, fault):
    with pytest.raises(ValueError, match=fault):
        GitHubAsk.model_validate(ask, strict=True)


# Recorded answers of the real API


def test_recorded_issues_are_read(fixtures):
    """Pages of one repository with 13 issues."""
    with tarfile.open(fixtures("github/octokit-fixtures.tar.xz")) as archive:
        (member,) = [m for m in archive if m.name.endswith("paginate-issues/raw-fixture.json")]
        exchanges = json.load(archive.extractfile(member))
    pages = [one["response"] for one in exchanges if one["method"] == "get"]
    lines = [orjson.dumps(as_event(ISSUES, item, is_of_day=True)) for page in pages for item in page]
    records = [record for line in lines for record in parse(line)]
    assert [len(page) for page in pages] == [3, 3, 3, 3, 1]
    assert [sum(isinstance(r, Act) and r.kind == kind for r in records) for kind in ("post", "mention")] == [13, 13]
    assert len({record.activity_id for record in records if isinstance(record, Act)}) == 13


@pytest.mark.parametrize(
    ("folder", "what", "kind", "names"),
    [
        ("issue_comment", "comment", COMMENTS, "issuecomment-"),
        ("pull_request_review_comment", "comment", CODE_COMMENTS, "discussion_r"),
        ("issues", "issue", ISSUES, None),
        ("pull_request", "pull_request", ISSUES, None),
    ],
)
def test_recorded_objects_of_webhooks_are_read_as_items_of_lists(fixtures, folder, what, kind, names):
    """Webhooks send the objects that the lists hold."""
    with tarfile.open(fixtures("github/octokit-webhooks.tar.xz")) as archive:
        members = [m for m in archive if f"/{folder}/" in m.name and m.name.endswith(".json")]
        objects = [json.load(archive.extractfile(member))[what] for member in members]
    assert len(objects) >= 4
    for found in objects:
        if folder == "pull_request":
            found |= {"url": found["issue_url"], "pull_request": {"url": found["url"]}}  # as the list of issues has it
        records = parse(orjson.dumps(as_event(kind, found, is_of_day=True)))
        act = next(record for record in records if isinstance(record, Act))
        assert act.actor_id == found["user"]["login"].lower()
        assert act.activity_id == (f"{names}{found['id']}" if names else f"{_repository(found)}#{found['number']}")


def _repository(found: dict[str, Any]) -> str:
    return "/".join(urlsplit(found["url"]).path.split("/")[2:4]).lower()
