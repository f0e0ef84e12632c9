"""GitHub's events of three ages, and what they do to whom."""

import json
import tarfile
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from jobs.sources.github_events import EVENTS, parse
from jobs.sources.page import Account, Act, Author, Ignored, Record, Rejected, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN, NO_TARGET, NO_TIME, derived_id
from tests.fixture_types import FindFile
from tests.jobs.sources.archives import content
from tests.jobs.sources.conftest import Survives

NOON = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * 1_000_000
THREAD = "bo/tool#12"
BY_CLEO = {"number": 12, "user": {"login": "Cleo"}}
TRIMMED = {"number": 12, "url": "https://api.github.com/repos/Bo/Tool/pulls/12"}  # as since late 2025: nobody's
CLEOS = Author(THREAD, "cleo")
POST = Act("post", "ana", "ana", NOON, "55")


def event(kind: str, payload: object = None, **more: Any) -> dict:
    return {
        "id": "55",
        "type": kind,
        "actor": {"id": 1, "login": "Ana"},
        "repo": {"id": 2, "name": "Bo/Tool"},
        "payload": {} if payload is None else payload,
        "created_at": "2026-11-03T12:00:00Z",
    } | more


def old(kind: str, payload: object = None, path: str = "", **more: Any) -> dict:
    """As in the timeline, until 2014."""
    return {
        "type": kind,
        "actor": "Ana",
        "actor_attributes": {"login": "Ana", "type": "User"},
        "repository": {"owner": "Bo", "name": "Tool", "url": "https://github.com/Bo/Tool"},
        "url": f"https://github.com/Bo/Tool{path}",
        "payload": {} if payload is None else payload,
        "created_at": "2026-11-03T05:00:00-07:00",
    } | more


def comment(**payload: Any) -> dict:
    return {"action": "created", "comment": {"id": 7}} | payload


def review(state: str, **more: Any) -> dict:
    payload = {"action": "created", "pull_request": BY_CLEO, "review": {"id": 8, "state": state} | more}
    return event("PullRequestReviewEvent", payload)


def parsed(line: dict) -> list:
    return list(parse(orjson.dumps(line)))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (event("WatchEvent", {"action": "started"}), [Act("like", "ana", "bo", NOON, "55", "bo/tool")]),
        (event("ForkEvent", {"forkee": {}}), [Act("reshare", "ana", "bo", NOON, "55", "bo/tool")]),
        (event("FollowEvent", {"target": {"login": "Dan"}}), [Act("follow", "ana", "dan", NOON, "55")]),
        (
            event("IssueCommentEvent", comment(issue=BY_CLEO)),
            [Act("reply", "ana", "cleo", NOON, "issuecomment-7", THREAD), CLEOS],
        ),
        (
            event("PullRequestReviewCommentEvent", comment(pull_request=BY_CLEO)),
            [Act("reply", "ana", "cleo", NOON, "discussion_r7", THREAD), CLEOS],
        ),
        (review("approved", body=None), [Act("reply", "ana", "cleo", NOON, "pullrequestreview-8", THREAD), CLEOS]),
        (review("commented", body="."), [Act("reply", "ana", "cleo", NOON, "pullrequestreview-8", THREAD), CLEOS]),
        (
            review("commented"),
            [Act("reply", "ana", "cleo", NOON, "pullrequestreview-8", THREAD), CLEOS],
        ),  # may say much
        (review("commented", body=None), [Ignored(NOON), CLEOS]),  # its comments come as events of their own
        (
            event("CommitCommentEvent", {"comment": {"id": 7, "commit_id": "c0ffee"}}),
            [Act("reply", "ana", "bo", NOON, "commitcomment-7", "bo/tool@c0ffee")],
        ),
    ],
)
def test_acts_on_others_content(line: dict[str, Any], expected: list[Record]) -> None:
    assert parsed(line) == expected


@pytest.mark.parametrize(
    ("kind", "what", "action"),
    [
        ("IssuesEvent", "issue", "opened"),
        ("PullRequestEvent", "pull_request", "opened"),
        ("DiscussionEvent", "discussion", "created"),
    ],
)
def test_opening_mentions_the_owner_and_names_the_author(kind: str, what: str, action: str) -> None:
    post, author = Act("post", "ana", "ana", NOON, THREAD), Author(THREAD, "ana")
    opening = event(kind, {"action": action, what: {"number": 12}})
    assert parsed(opening) == [Act("mention", "ana", "bo", NOON, THREAD), post, author]
    assert parsed(opening | {"actor": {"login": "BO"}}) == [
        Act("post", "bo", "bo", NOON, THREAD),  # in one's own repository
        Author(THREAD, "bo"),
    ]
    assert parsed(event(kind, {"action": "closed", what: BY_CLEO})) == [Ignored(NOON), CLEOS]


@pytest.mark.parametrize(
    "line",
    [
        event("PushEvent"),
        event("PublicEvent"),
        event("ReleaseEvent", {"action": "published"}),
        event("CreateEvent", {"ref_type": "repository"}),
        event("GistEvent", {"action": "create"}, repo=None),
    ],
)
def test_one_s_own_content_is_a_post(line: dict[str, Any]) -> None:
    assert parsed(line) == [POST]


@pytest.mark.parametrize(
    "line",
    [
        event("CreateEvent", {"ref_type": "branch"}),
        event("ReleaseEvent", {"action": "edited"}),
        event("IssueCommentEvent", comment(action="deleted")),
        event("MemberEvent", {"action": "added"}),
        event("GollumEvent"),
        event("DeleteEvent", created_at=None),
    ],
)
def test_what_scores_nothing_is_ignored(line: dict[str, Any]) -> None:
    assert parsed(line) == [Ignored(NOON if line["created_at"] else None)]


@pytest.mark.parametrize("author", [TRIMMED, BY_CLEO | {"user": None}, BY_CLEO | {"user": {"login": "ghost"}}])
def test_an_author_who_is_not_named_is_looked_up(author: dict[str, Any]) -> None:
    line = event("PullRequestReviewCommentEvent", comment(pull_request=author))
    assert parsed(line) == [Act("reply", "ana", None, NOON, "discussion_r7", THREAD)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            old("WatchEvent", {"action": "started"}),
            [Act("like", "ana", "bo", NOON, derived_id("ana", "bo", NOON), "bo/tool")],
        ),
        (
            old("IssueCommentEvent", {"issue_id": 3, "comment_id": 7}, "/issues/12#issuecomment-7"),
            [Act("reply", "ana", None, NOON, "issuecomment-7", THREAD)],
        ),
        (
            old(
                "PullRequestReviewCommentEvent",
                {"comment": {"id": 7, "user": {"login": "Ana"}}},
                "/pull/12#discussion_r7",
            ),
            [Act("reply", "ana", None, NOON, "discussion_r7", THREAD)],
        ),
        (
            old("CommitCommentEvent", {"comment_id": 7, "commit": "c0ffee"}),
            [Act("reply", "ana", "bo", NOON, "commitcomment-7", "bo/tool@c0ffee")],
        ),
        (
            old("IssuesEvent", {"action": "opened", "issue": 3, "number": 12}, "/issues/12"),
            [
                Act("mention", "ana", "bo", NOON, THREAD),
                Act("post", "ana", "ana", NOON, THREAD),
                Author(THREAD, "ana"),
            ],
        ),
        (
            old("PullRequestEvent", {"action": "closed", "number": 12, "pull_request": BY_CLEO}),
            [Ignored(NOON), CLEOS],
        ),
        (
            old("WatchEvent", actor=None, created_at="2026/11/03 04:00:00 -0800"),
            [Act("like", "ana", "bo", NOON, derived_id("ana", "bo", NOON), "bo/tool")],
        ),
    ],
)
def test_events_of_the_timeline(line: dict[str, Any], expected: list[Record]) -> None:
    assert parsed(line) == expected


def test_two_pushes_of_one_second_are_two_posts() -> None:
    first, second = (
        parsed(old("PushEvent", path=path))[0].activity_id for path in ("/compare/a...b", "/compare/c...d")
    )
    assert first != second


def test_a_bot_declares_itself() -> None:
    bot = Account("helper[bot]", NOON, handle="Helper[bot]", is_bot=True)
    line = event("WatchEvent", actor={"login": "Helper[bot]"})
    assert parsed(line) == [Act("like", "helper[bot]", "bo", NOON, "55", "bo/tool"), bot]
    assert parsed(line | {"type": "DeleteEvent"}) == [Ignored(NOON), bot]


@pytest.mark.parametrize("what", ["comment", "issue"])
def test_a_user_of_type_bot_is_a_bot_wherever_an_event_names_one(what: str) -> None:
    user = {"login": "Release-Helper", "type": "Bot"}
    payload = comment(issue=BY_CLEO) | {what: {"id": 7, "number": 12, "user": user}}
    assert parsed(event("IssueCommentEvent", payload))[-1] == Account(
        "release-helper", NOON, handle="Release-Helper", is_bot=True
    )
    person = comment(issue={"number": 12, "user": {"login": "Cleo", "type": "User"}})
    assert Account not in map(type, parsed(event("IssueCommentEvent", person)))
    acting = event("WatchEvent", actor={"login": "Helper", "type": "Bot"})
    assert parsed(acting)[-1] == Account("helper", NOON, handle="Helper", is_bot=True)


def test_bigquery_s_export_says_the_same() -> None:
    line = event("IssueCommentEvent", comment(issue=BY_CLEO))
    exported = line | {"payload": json.dumps(line["payload"]), "other": "{}"}
    for time in ("2026-11-03 12:00:00 UTC", "2026-11-03 12:00:00.000000 UTC"):
        assert parsed(exported | {"created_at": time}) == parsed(line)
    with pytest.raises(Rejected, match="line is not JSON"):
        parsed(exported | {"payload": "{"})


def test_what_is_not_public_never_counts() -> None:
    assert parsed(event("WatchEvent", public=False)) == [Ignored(NOON)]


def test_what_names_no_target_actor_or_time_is_unresolved() -> None:
    assert parsed(event("WatchEvent", repo=None)) == [Unresolved(NO_TARGET, NOON)]
    assert parsed(event("FollowEvent", {"target": {"login": "ghost"}})) == [Unresolved(NO_TARGET, NOON)]
    assert parsed(event("IssueCommentEvent", comment(), repo={"name": "/"})) == [
        Unresolved(NO_TARGET, NOON),
        Act("post", "ana", "ana", NOON, "issuecomment-7"),
    ]
    assert parsed(event("IssuesEvent", {"action": "opened"}, repo=None)) == [Unresolved(NO_TARGET, NOON), POST]
    assert parsed(event("WatchEvent", actor={"login": "ghost"})) == [Unresolved(ACTOR_WITHDRAWN, NOON)]
    assert parsed(event("WatchEvent", created_at=None)) == [Unresolved(NO_TIME, None)]


@pytest.mark.parametrize(
    ("change", "reason", "occurred_at"),
    [
        ({"type": "PokeEvent"}, "event is of an unknown type", NOON),
        ({"type": ["WatchEvent"]}, "event is of an unknown type", NOON),
        ({"actor": None}, "actor is missing", NOON),
        ({"actor": {"login": 1.5}}, "actor id is neither a string nor a number", NOON),
        ({"id": 1.5}, "event id is neither a string nor a number", NOON),
        ({"repo": {"name": "Tool"}}, "repository is not owner/name", NOON),
        ({"repo": {"name": 1.5}}, "repository id is neither a string nor a number", NOON),
        ({"created_at": "2026-11-03 25:00"}, "time is not an RFC 3339 time", None),
        ({"created_at": 7}, "time is not a text", None),
    ],
)
def test_faults(change: dict[str, Any], reason: str, occurred_at: int | None) -> None:
    with pytest.raises(Rejected) as fault:
        parsed(event("WatchEvent") | change)
    assert (fault.value.reason, fault.value.occurred_at) == (reason, occurred_at)


def test_no_line_breaks_the_parser(survives: Survives) -> None:
    payload = comment(
        issue=BY_CLEO, pull_request=BY_CLEO, review={"id": 8, "state": "commented"}, target={"login": "Dan"}
    )
    lines = [make(kind, payload) for kind in EVENTS for make in (event, old)]
    survives(parse, [orjson.dumps(line) for line in lines])


def test_recorded_payloads_of_each_type(fixtures: FindFile) -> None:
    """Payloads of webhooks, which are those of events; all but the forks are by the repositories' owner."""
    acts: Counter[tuple[str, str]] = Counter()
    with tarfile.open(fixtures("github/octokit-webhooks.tar.xz")) as archive:
        for member in archive:
            *_, folder, _name = member.name.split("/") if member.isfile() else ("", "")
            kind = "".join(word.capitalize() for word in folder.split("_")) + "Event"
            if kind in EVENTS:
                payload = json.loads(content(archive, member))
                repository = payload.get("repository", {}).get("full_name")
                line = event(kind, payload, repo={"name": repository}, actor=payload["sender"])
                acts.update((kind, record.kind) for record in parsed(line) if isinstance(record, Act))
    assert acts == {
        ("WatchEvent", "like"): 2,
        ("ForkEvent", "reshare"): 2,
        ("CommitCommentEvent", "reply"): 4,
        ("IssueCommentEvent", "reply"): 4,  # 2 more were deleted, 2 edited
        ("PullRequestReviewCommentEvent", "reply"): 2,  # and both reviews say nothing themselves
        ("IssuesEvent", "post"): 4,
        ("PullRequestEvent", "post"): 3,
        ("DiscussionEvent", "post"): 1,
        ("PushEvent", "post"): 6,
        ("PublicEvent", "post"): 2,
        ("ReleaseEvent", "post"): 2,
    }
