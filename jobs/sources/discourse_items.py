"""The posts and likes of a Discourse forum: what is recorded of them, and the records that they become (`discourse`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.sources.live import sites
from jobs.sources.page import Account, Act, Author, Ignored, Record, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN, account_id, dated, from_iso, json_object, shown, within

KEPT = ("id", "created_at", "topic_id", "post_number", "post_type", "username", "user_id", "reply_to_post_number")
KEPT_OF_LIKES = (
    "created_at",
    "topic_id",
    "post_number",
    "action_type",
    "username",
    "acting_username",
    "acting_user_id",
)

REGULAR = 1  # post_type
WAS_LIKED = 2  # action_type


def parse(line: bytes) -> Sequence[Record]:
    """One recorded item -> its records."""
    item = json_object(line)
    occurred_at = from_iso(item.get("created_at"))
    with dated(occurred_at):
        topic, number = account_id(item.get("topic_id"), "topic"), account_id(item.get("post_number"), "post number")
        return (_like if "acting_username" in item else _post)(item, occurred_at, topic, number)


def _like(item: Mapping[str, Any], occurred_at: int, topic: str, number: str) -> Sequence[Record]:
    if item.get("action_type") != WAS_LIKED:
        return (Ignored(occurred_at),)
    if item["acting_username"] is None:
        return (Unresolved(ACTOR_WITHDRAWN, occurred_at),)
    actor, target = account_id(item["acting_username"]), account_id(item.get("username"), "target")
    post = f"{topic}/{number}"
    return (
        Act("like", actor, target, occurred_at, f"like-{post}-{actor}", post),
        _member(actor, item.get("acting_user_id"), occurred_at),
    )


def _post(item: Mapping[str, Any], occurred_at: int, topic: str, number: str) -> Sequence[Record]:
    if item.get("post_type", REGULAR) != REGULAR:
        return (Ignored(occurred_at),)
    if item.get("username") is None:
        return (Unresolved(ACTOR_WITHDRAWN, occurred_at),)
    own, actor = account_id(item.get("id"), "post"), account_id(item["username"])
    known = (Author(f"{topic}/{number}", actor), _member(actor, item.get("user_id"), occurred_at))
    if number == "1":
        return (Act("post", actor, actor, occurred_at, own), *known)
    answered = item.get("reply_to_post_number")
    parent = f"{topic}/{'1' if answered is None else account_id(answered, 'parent')}"
    addressed = within(item, "reply_to_user", "username")
    target = None if addressed is None else account_id(addressed, "target")
    return (Act("reply", actor, target, occurred_at, own, parent), *known)


def _member(name: str, number: Any, occurred_at: int) -> Account:
    is_own = type(number) is int and number <= 0
    return Account(name, occurred_at, handle=shown(name), is_bot=is_own or None)


def stripped(post: Any) -> dict[str, Any]:
    """What to record of a post."""
    addressed = within(post, "reply_to_user")
    person = {"reply_to_user": sites.kept(addressed, "username")} if addressed else {}
    return sites.kept(post, *KEPT) | person
