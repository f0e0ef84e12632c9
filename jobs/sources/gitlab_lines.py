"""What GitLab answers -> what to record of it -> records. `gitlab` says what becomes which kind."""

import re
from collections.abc import Sequence
from typing import Any

from jobs.sources.page import Account, Act, Author, Ignored, Record, Rejected, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN, NO_TARGET, account_id, dated, from_iso, json_object, within

GHOST = "ghost"  # GitLab's placeholder for deleted accounts
ISSUES, REQUESTS = "issues", "merge_requests"
KINDS = {"Issue": ISSUES, "WorkItem": ISSUES, "MergeRequest": REQUESTS}
MARKS = {ISSUES: "#", REQUESTS: "!"}

_AUTHOR: dict[str, Any] = {"username": {}}
EVENT: dict[str, Any] = {
    "id": {},
    "project_id": {},
    "action_name": {},
    "target_iid": {},
    "target_type": {},
    "created_at": {},
    "author": {"id": {}, "username": {}},
    "note": {
        "id": {},
        "system": {},
        "confidential": {},
        "internal": {},
        "noteable_type": {},
        "noteable_iid": {},
    },
}
THREAD: dict[str, Any] = {"author": _AUTHOR, "created_at": {}, "confidential": {}, "references": {"full": {}}}
AWARD: dict[str, Any] = {"id": {}, "name": {}, "user": _AUTHOR, "created_at": {}}

IGNORED = {
    *("opened", "updated", "closed", "reopened", "merged", "accepted", "joined", "left", "destroyed", "deleted"),
    *("expired", "removed due to membership expiration from", "imported", "archived", "unarchived"),
}
_BOT = re.compile(r"(?:project|group)_\d+_bot(?:_\w+)?")


def parse(line: bytes) -> Sequence[Record]:
    """One recorded line -> its records."""
    value = json_object(line)
    said, who, records = next(
        ((value[key], *of) for key, of in _LINES.items() if key in value), (value, "author", _event)
    )
    occurred_at = from_iso(within(said, "created_at"))
    with dated(occurred_at):
        name = within(said, who, "username")
        handle = GHOST if name is None else account_id(name)
        actor = handle.lower()
        if actor == GHOST:
            return (Unresolved(ACTOR_WITHDRAWN, occurred_at),)
        found = records(value, actor, occurred_at)
        if all(isinstance(record, Ignored) for record in found):
            return found
        return (*found, Account(actor, occurred_at, handle=handle, is_bot=bool(_BOT.fullmatch(actor)) or None))


def thread_of(event: dict[str, Any]) -> tuple[str, str, str] | None:
    """Kind, project and number of the issue or merge request that an event is about; None if it is about something else. Raises
    `Rejected` if the project or the number is malformed."""
    note = event.get("note")
    kind = within(note, "noteable_type") if type(note) is dict else event.get("target_type")
    number = within(note, "noteable_iid") if type(note) is dict else event.get("target_iid")
    if type(kind) is not str or kind not in KINDS or number is None:
        return None
    return KINDS[kind], account_id(event.get("project_id"), "project"), account_id(number, "issue")


def _event(event: dict[str, Any], actor: str, occurred_at: int) -> Sequence[Record]:
    match event.get("action_name"):
        case "commented on":
            return _comment(event, actor, occurred_at)
        case "approved":
            return (Act("reply", actor, None, occurred_at, _id(event), _name(thread_of(event))),)
        case "pushed to" | "pushed new" | "created":
            return (Act("post", actor, actor, occurred_at, _id(event)),)
        case str(action):
            return (Ignored(occurred_at, None if action in IGNORED else action[:40]),)
    raise Rejected("event has no action")


def _comment(event: dict[str, Any], actor: str, occurred_at: int) -> Sequence[Record]:
    note = event.get("note")
    if within(note, "system") or within(note, "confidential") or within(note, "internal"):
        return (Ignored(occurred_at),)
    activity_id = "note-" + account_id(within(note, "id"), "comment")
    if thread := thread_of(event):
        return (Act("reply", actor, None, occurred_at, activity_id, _name(thread)),)
    owner = _owner(event.get("project")) if within(note, "noteable_type") == "Commit" else None
    if owner is None:
        return (Unresolved(NO_TARGET, occurred_at), Act("post", actor, actor, occurred_at, activity_id))
    return (Act("reply", actor, owner, occurred_at, activity_id),)


def _thread(value: dict[str, Any], actor: str, occurred_at: int) -> Sequence[Record]:
    if within(value, "thread", "confidential"):
        return (Ignored(occurred_at),)
    name = _about(value)
    path = within(value, "thread", "references", "full")
    owner = _owner(re.split("[#!]", path)[0]) if type(path) is str else None
    post, author = Act("post", actor, actor, occurred_at, name), Author(name, actor)
    if owner is None:
        return (Unresolved(NO_TARGET, occurred_at), post, author)
    if owner == actor:
        return (post, author)
    return (Act("mention", actor, owner, occurred_at, name), post, author)


def _award(value: dict[str, Any], actor: str, occurred_at: int) -> Sequence[Record]:
    award = value["award"]
    if within(award, "name") == "thumbsdown":
        return (Ignored(occurred_at),)
    activity_id = "award-" + account_id(within(award, "id"), "award")
    return (Act("like", actor, None, occurred_at, activity_id, _about(value)),)


def _about(value: dict[str, Any]) -> str:
    kind, about = within(value, "about", "kind"), value.get("about")
    if type(kind) is not str or kind not in MARKS:
        raise Rejected("is about no issue or merge request")
    project, number = account_id(within(about, "project"), "project"), account_id(within(about, "number"), "issue")
    return _name((kind, project, number)) or ""


def _name(thread: tuple[str, str, str] | None) -> str | None:
    """`7#12` is issue 12 of project 7, `7!12` a merge request."""
    if thread is None:
        return None
    kind, project, number = thread
    return account_id(f"{project}{MARKS[kind]}{number}", "issue")


def _owner(path: Any) -> str | None:
    """The group or user to whom a project belongs."""
    return account_id(path, "project").rpartition("/")[0].lower() or None if type(path) is str and path else None


_LINES = {"thread": ("author", _thread), "award": ("user", _award)}


def _id(event: dict[str, Any]) -> str:
    return "event-" + account_id(event.get("id"), "event")
