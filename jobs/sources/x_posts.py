"""x-posts: posts of X from recorded answers of its API v2, as twarc collects them, one JSON value per line.

https://docs.x.com/x-api/fundamentals/data-dictionary, https://twarc-project.readthedocs.io/en/latest/twarc2_en_us/.
A line is a response (`data`, one post or a list, with `includes`) or one post, flattened (`twarc2 flatten`). An account's id is
its number, an act's id is its post's; an edited post keeps the id of its first version. `created_at` is X's own clock.

    post of `data`                      becomes
    retweeted                           reshare of the original; the original's mentions are not the sharer's
    quoted                              quote
    in reply to an account              reply
    names accounts                      mention of each, except the account it replies to
    not retweeted and no reply          post
    of a protected account              ignored
    profile (a user as `data`)          ignored, but gives an account row, as the author of each post does
    line of a compliance job            ignored: it names no actor

Posts in `includes` serve only to name their authors. What was deleted before the recording has no author there: its reshares
and quotes are unresolved unless another line names the author. Likes and follows have no times, so they are no acts.

The platform is `x`. `higgs` has the platform `twitter`, because its accounts are numbered anonymously: the same number is
another person here. Whoever holds X's content must delete what X deletes, and X's terms forbid individual profiling, however
you got the content: https://docs.x.com/developer-terms/restricted-use-cases.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, BinaryIO

from jobs.sources.files import COMPRESSIONS, JSON_LINES, existing
from jobs.sources.lines import Line, lines, pages, remade
from jobs.sources.page import Account, Act, Author, Ignored, Page, Record, Rejected, Unresolved
from jobs.sources.values import (
    ACTOR_WITHDRAWN,
    NO_TIME,
    account_id,
    counted,
    dated,
    from_iso,
    json_object,
    shown,
    within,
)

PLATFORM = "x"
KINDS = {"retweeted": "reshare", "quoted": "quote", "replied_to": "reply"}

_USER = ("id", "username", "name", "created_at", "protected")
_POST = ("id", "author_id", "created_at", "in_reply_to_user_id", "edit_history_tweet_ids")


def parse(line: bytes) -> Sequence[Record]:
    """One flattened post or profile -> its records."""
    post = json_object(line)
    if "author_id" not in post:
        return _other(post)
    occurred_at = None if post.get("created_at") is None else from_iso(post["created_at"])
    with dated(occurred_at):
        actor = account_id(post["author_id"])
        if within(post, "author", "protected") is True:
            return (Ignored(occurred_at),)
        history = post.get("edit_history_tweet_ids")
        versions = [*(history if type(history) is list else ()), post.get("id")]
        names = list(dict.fromkeys(account_id(version, "post") for version in versions))
        wrote = [Author(name, actor) for name in names]
        if occurred_at is None:
            return (Unresolved(NO_TIME, None), *wrote)
        return (*_acts(post, actor, occurred_at, names[0]), *wrote, *_account(post.get("author"), actor, occurred_at))


def _other(value: Mapping[str, Any]) -> Sequence[Record]:
    """The records of a line that is no post."""
    if "username" in value:
        return (Ignored(None), *_account(value, account_id(value.get("id")), None))
    if "action" in value:
        return (Ignored(None if value.get("created_at") is None else from_iso(value["created_at"])),)
    if "id" not in value and ("meta" in value or "errors" in value):  # a response without posts
        return (Ignored(None),)
    if "id" in value and "text" in value:
        raise Rejected("actor is missing")
    raise Rejected("line is neither a post nor a profile")


def _acts(post: Mapping[str, Any], actor: str, at: int, own: str) -> Sequence[Record]:
    records: list[Record] = []
    replied_to = post.get("in_reply_to_user_id")
    target = None if replied_to is None else account_id(replied_to, "target")
    for reference in _objects(post.get("referenced_tweets")):
        kind = KINDS.get(reference["type"]) if type(reference.get("type")) is str else None
        if kind is None:
            raise Rejected("reference is none of retweeted, quoted, replied_to")
        object_id = account_id(reference.get("id"), "referenced post")
        author = reference.get("author_id")
        author = None if author is None else account_id(author, "target")
        if author is not None:
            records.append(Author(object_id, author))
        if kind == "reply":
            target = target or author
        if kind == "reshare":
            return (Act(kind, actor, author, at, own, object_id), *records)
        records.append(Act(kind, actor, target if kind == "reply" else author, at, own, object_id))
    kinds = {record.kind for record in records if isinstance(record, Act)}
    if target is not None and "reply" not in kinds:
        records.append(Act("reply", actor, target, at, own))
    elif "reply" not in kinds:
        records.append(Act("post", actor, actor, at, own))
    for mentioned in dict.fromkeys(_mentioned(post)):
        if mentioned is None:
            records.append(Unresolved(f"mention: {ACTOR_WITHDRAWN}", at))
        elif mentioned != target:
            records.append(Act("mention", actor, mentioned, at, own))
    return records


def _mentioned(post: Mapping[str, Any]) -> Iterator[str | None]:
    """The ids of the accounts that a post names; None for one that is gone."""
    for mention in _objects(within(post, "entities", "mentions")):
        yield None if mention.get("id") is None else account_id(mention["id"], "target")


def _account(user: Any, name: str, at: int | None) -> Sequence[Account]:
    """The account row of a profile."""
    if type(user) is not dict or not user:
        return ()
    metrics = user.get("public_metrics")
    try:
        created_at = from_iso(user.get("created_at"))
    except Rejected:
        created_at = None
    return (
        Account(
            name,
            at,
            handle=shown(user.get("username")),
            display_name=shown(user.get("name")),
            created_at=created_at,
            follower_count=counted(within(metrics, "followers_count")),
            following_count=counted(within(metrics, "following_count")),
        ),
    )


def flattened(response: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The posts or profiles of a response, each with what `parse` reads and without its text. A value that is no object is
    kept, to be rejected."""
    includes = response.get("includes")
    users = {str(user.get("id")): user for user in _objects(within(includes, "users"))}
    by_name = {str(user.get("username")).lower(): user for user in users.values()}
    authors = {str(post.get("id")): post.get("author_id") for post in _objects(within(includes, "tweets"))}
    data = response.get("data")
    return [_flat(item, users, by_name, authors) for item in (data if type(data) is list else [data])]


def _flat(item: Any, users: Mapping[str, Any], by_name: Mapping[str, Any], authors: Mapping[str, Any]) -> Any:
    if type(item) is not dict:
        return {"unreadable": type(item).__name__}
    if "author_id" not in item and "text" not in item:
        return {name: item[name] for name in (*_USER, "action", "public_metrics") if name in item}
    post = {name: item[name] for name in _POST if name in item}
    if "text" in item and "author_id" not in item:
        post["text"] = None  # shows that this is a post, although it has no author
    author = item.get("author") or users.get(str(item.get("author_id")))
    if type(author) is dict:
        post["author"] = {name: author[name] for name in (*_USER, "public_metrics") if name in author}
    if references := _objects(item.get("referenced_tweets")):
        post["referenced_tweets"] = [
            {
                "type": each.get("type"),
                "id": each.get("id"),
                "author_id": each.get("author_id", authors.get(str(each.get("id")))),
            }
            for each in references
        ]
    if mentions := _objects(within(item, "entities", "mentions")):
        known = [each if "id" in each else by_name.get(str(each.get("username")).lower(), {}) for each in mentions]
        post["entities"] = {"mentions": [{"id": each.get("id")} for each in known]}
    return post


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if type(each) is dict] if type(value) is list else []


def _read(stream: BinaryIO) -> Iterator[Line]:
    """The posts of each line, without texts."""
    return remade(lines(stream), _posts)


def _posts(value: dict[str, Any]) -> list[Any]:
    if "id" in value:
        return flattened({"data": value})
    return flattened(value) if type(value.get("data")) in (list, dict) else [value]


class XPostsSource:
    """Files of recorded answers."""

    platforms = (PLATFORM,)

    def __init__(self, source_id: str, places: Sequence[str]) -> None:
        self.files = existing(places, (*JSON_LINES, *COMPRESSIONS))

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Yields the pages of all files, each read once, whatever days they hold."""
        return pages(PLATFORM, self.files, parse, _read)
