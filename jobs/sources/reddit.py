"""reddit: Pushshift's dumps of Reddit's comments (`RC_...`) and submissions (`RS_...`), one JSON object a line.

https://arxiv.org/abs/2001.08435 (Baumgartner et al., "The Pushshift Reddit Dataset"), https://www.reddit.com/dev/api.
Compressed by zstd with windows of up to 2 GiB, or otherwise, or plain; both kinds may be mixed. Accounts are names,
contents fullnames (`t1_` and a comment's id, `t3_` and a submission's); `created_utc` is Reddit's own clock.

    line                    becomes
    comment                 reply to the author of its parent, who is looked for among all lines of the pull
    submission              post
    crosspost               post, and reshare of the original
    by `[deleted]`          unresolved, and nobody's parent: whoever left is nobody's target
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from jobs.sources.lines import COMPRESSIONS, JSON_LINES, existing, pages
from jobs.sources.page import Act, Author, Page, Record, Rejected, Unresolved
from jobs.sources.values import (
    ACTOR_WITHDRAWN,
    NO_TARGET,
    NO_TIME,
    account_id,
    dated,
    from_seconds,
    json_object,
    within,
)

PLATFORM = "reddit"
WITHDRAWN = (None, "[deleted]", "[removed]")
TARGET_WITHDRAWN = "author of what was shared was withdrawn by the platform"

_FULLNAME = re.compile(r"t[13]_[0-9a-z]+")


def parse(line: bytes) -> Sequence[Record]:
    """One comment or submission."""
    item = json_object(line)
    created = item.get("created_utc")
    occurred_at = None if created is None else from_seconds(created)
    with dated(occurred_at):
        if "parent_id" in item or "link_id" in item:
            return _comment(item, occurred_at)
        if "title" in item:
            return _submission(item, occurred_at)
        raise Rejected("line is neither a comment nor a submission")


def _comment(item: dict[str, Any], occurred_at: int | None) -> Sequence[Record]:
    own = _fullname("t1_" + account_id(item.get("id"), "comment"))
    parent = item.get("parent_id") or item.get("link_id")
    author = _author(item)
    if author is None:
        return (Unresolved(ACTOR_WITHDRAWN, occurred_at),)
    wrote = Author(own, author)
    if occurred_at is None:
        return (Unresolved(NO_TIME, None), wrote)
    if parent is None:
        return (Unresolved(NO_TARGET, occurred_at), Act("post", author, author, occurred_at, own), wrote)
    return (Act("reply", author, None, occurred_at, own, _fullname(parent)), wrote)


def _submission(item: dict[str, Any], occurred_at: int | None) -> Sequence[Record]:
    own = _fullname("t3_" + account_id(item.get("id"), "submission"))
    author = _author(item)
    if author is None:
        return (Unresolved(ACTOR_WITHDRAWN, occurred_at),)
    wrote = Author(own, author)
    if occurred_at is None:
        return (Unresolved(NO_TIME, None), wrote)
    records = (Act("post", author, author, occurred_at, own), wrote)
    if item.get("crosspost_parent") is None:
        return records
    parents = item.get("crosspost_parent_list")
    original = parents[0] if type(parents) is list and parents else None
    target = within(original, "author")
    if target in WITHDRAWN and original is not None:
        return (Unresolved(TARGET_WITHDRAWN, occurred_at), *records)
    target = None if target is None else account_id(target, "author")
    return (Act("reshare", author, target, occurred_at, own, _fullname(item["crosspost_parent"])), *records)


def _author(item: dict[str, Any]) -> str | None:
    """`None` for one who left or was removed."""
    if "author" not in item:
        raise Rejected("actor is missing")
    return None if item["author"] in WITHDRAWN else account_id(item["author"])


def _fullname(value: Any) -> str:
    name = account_id(value, "parent")
    if not _FULLNAME.fullmatch(name):
        raise Rejected("id is neither t1_ nor t3_ and letters and digits")
    return name


class RedditSource:
    """Files of comments, submissions or both."""

    platforms = (PLATFORM,)

    def __init__(self, source_id: str, places: Sequence[str]) -> None:
        self.files = existing(places, (*JSON_LINES, *COMPRESSIONS))

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        return pages(PLATFORM, self.files, parse)
