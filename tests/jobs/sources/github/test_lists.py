"""What an item of GitHub becomes, and what is recorded of it."""

import json
import tarfile
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from jobs.sources.github_events import parse
from jobs.sources.github_lists import CODE_COMMENTS, COMMENTS, ISSUES, as_event, kept_event
from jobs.sources.page import Account, Act, Author, Ignored, Record, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN, NO_TARGET
from tests.fixture_types import FindFile
from tests.jobs.sources.archives import content
from tests.jobs.sources.conftest import Survives
from tests.jobs.sources.github.made import T, code_comment, comment, event, issue, user

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
def test_what_an_item_of_a_list_becomes(kind: str, item: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert parse(orjson.dumps(as_event(kind, item, is_of_day=True))) == records


def test_an_issue_of_another_day_names_its_author_only() -> None:
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
def test_a_recorded_event_says_the_same_as_the_whole_one(kind: str, payload: dict[str, Any]) -> None:
    def outcome(line: bytes) -> Any:
        try:
            return parse(line)
        except Exception as error:
            return str(error)

    whole = event("7", kind=kind, **payload)
    line = orjson.dumps(kept_event(whole))
    assert b"secret" not in line
    assert outcome(line) == outcome(orjson.dumps(whole))


def test_hostile_items_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    def parsed(line: bytes) -> Any:
        try:
            kind, item = orjson.loads(line)  # refuses half of a surrogate pair, as the client does
        except (ValueError, TypeError):
            return ()
        lists = [ISSUES, COMMENTS, CODE_COMMENTS]
        return parse(orjson.dumps(as_event(kind, item, is_of_day=True) if kind in lists else kept_event(item)))

    items = ((ISSUES, issue(12)), (COMMENTS, comment(7)), (CODE_COMMENTS, code_comment(8)), ("events", event("1")))
    survives(parsed, [orjson.dumps(pair) for pair in items])


# Recorded answers of the real API


def test_recorded_issues_are_read(fixtures: FindFile) -> None:
    """Pages of one repository with 13 issues."""
    with tarfile.open(fixtures("github/octokit-fixtures.tar.xz")) as archive:
        (member,) = [m for m in archive if m.name.endswith("paginate-issues/raw-fixture.json")]
        exchanges = json.loads(content(archive, member))
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
def test_recorded_objects_of_webhooks_are_read_as_items_of_lists(
    fixtures: FindFile, folder: str, what: str, kind: str, names: str | None
) -> None:
    """Webhooks send the objects that the lists hold."""
    with tarfile.open(fixtures("github/octokit-webhooks.tar.xz")) as archive:
        members = [m for m in archive if f"/{folder}/" in m.name and m.name.endswith(".json")]
        objects = [json.loads(content(archive, member))[what] for member in members]
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
