"""What GitHub's API lists -> the events to record, as GH Archive has them but without texts.

An issue, a pull request or a comment becomes the event that reported it, so `github_events` parses both.
"""

import re
from typing import Any

from jobs.sources.github_events import GHOST
from jobs.sources.live import recording
from jobs.sources.page import Rejected
from jobs.sources.values import from_iso, within

EVENTS, ISSUES, COMMENTS, CODE_COMMENTS = "events", "issues", "issues/comments", "pulls/comments"

USER: dict[str, Any] = {"login": {}, "type": {}}
THREAD: dict[str, Any] = {"number": {}, "user": USER}
KEPT: dict[str, Any] = {
    "id": {},
    "type": {},
    "public": {},
    "created_at": {},
    "actor": {"id": {}, "login": {}, "type": {}},
    "repo": {"name": {}},
    "payload": {
        "action": {},
        "ref_type": {},
        "number": {},
        "issue": THREAD,
        "pull_request": THREAD,
        "discussion": THREAD,
        "comment": {"id": {}, "user": USER, "commit_id": {}},
        "review": {"id": {}, "user": USER, "state": {}, "body": {}},
        "target": {"login": {}},
    },
}

_THREAD = re.compile(r"/repos/([^/]{1,100}/[^/]{1,100})/(?:issues|pulls)/(\d{1,18})$")


def kept_event(event: Any) -> Any:
    """An event without texts."""
    found = recording.kept(event, KEPT)
    review = within(found, "payload", "review")
    if isinstance(review, dict) and "body" in review:
        review["body"] = bool(review["body"])  # only whether there is a text matters
    return found


def as_event(kind: str, item: Any, is_of_day: bool) -> Any:
    """An item of a list as the event that reported it. `is_of_day`: whether the event reports the item, or only its author."""
    if not isinstance(item, dict):
        return recording.kept(item, KEPT)
    user = item.get("user")
    user = {"login": GHOST} if user is None else recording.kept(user, USER)
    url = item.get({ISSUES: "url", COMMENTS: "issue_url", CODE_COMMENTS: "pull_request_url"}[kind])
    found = _THREAD.search(url) if isinstance(url, str) else None
    thread: dict[str, Any] = {"number": int(found[2])} if found else {}
    if kind == ISSUES:
        is_pull = "pull_request" in item
        type_, what = ("PullRequestEvent", "pull_request") if is_pull else ("IssuesEvent", "issue")
        said: dict[str, Any] = {"action": "opened" if is_of_day else "listed", what: thread | {"user": user}}
    else:
        is_pull = kind == CODE_COMMENTS
        type_, what = ("PullRequestReviewCommentEvent", "pull_request") if is_pull else ("IssueCommentEvent", "issue")
        comment = {"id": recording.kept(item.get("id"), {}), "user": user}
        said = {"action": "created", what: thread, "comment": comment}
    created = recording.kept(item.get("created_at"), {})
    repo = {"repo": {"name": found[1]}} if found else {}
    return {"type": type_, "actor": user, **repo, "payload": said, "created_at": created}


def at(item: Any) -> int | None:
    """When an item was created, in microseconds since 1970; None if it has no readable time."""
    try:
        return from_iso(within(item, "created_at"))
    except Rejected:
        return None
