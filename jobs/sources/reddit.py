"""reddit: Pushshift's dumps of Reddit's comments (`RC_...`) and submissions (`RS_...`), one JSON object per line.

https://arxiv.org/abs/2001.08435 (Baumgartner et al., "The Pushshift Reddit Dataset"), https://www.reddit.com/dev/api.
Files are plain or compressed, usually by zstd with windows of up to 2 GiB, and may mix both kinds. An account's id is its name.
A content's id is its fullname (`t1_` and a comment's id, `t3_` and a submission's). `created_utc` is Reddit's own clock.

    line                    becomes
    comment                 reply to the author of its parent, looked up among all lines of the pull
    submission              post
    crosspost               post, and reshare of the original
    by `[deleted]`          unresolved, and never a parent: deleted accounts are no targets
    in a private subreddit  ignored

API responses (`{"kind": "t1", "data": {...}}`, listings, `{"data": [...]}`) are read too. So are ids that dumps write as
numbers: `parent_id` then refers to a comment, `link_id` to a submission. Reddit marks one account as a bot: its own,
`AutoModerator`. `distinguished` marks moderators and employees, who are people.

Reddit's terms (https://redditinc.com/policies/developer-terms) apply to its content however you got it. They forbid use by a
business and derivative works without a contract, and what people change or remove must be removed soon. A dump does not follow
such removals, so if you publish scores from it, you must remove those who left.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from jobs.sources.files import COMPRESSIONS, JSON_LINES, existing
from jobs.sources.lines import pages
from jobs.sources.page import Account, Act, Author, Ignored, Page, Record, Rejected, Unresolved
from jobs.sources.values import (
    ACTOR_WITHDRAWN,
    NO_TARGET,
    NO_TIME,
    account_id,
    dated,
    from_iso,
    from_seconds,
    json_object,
    within,
)

PLATFORM = "reddit"
WITHDRAWN = (None, "[deleted]", "[removed]")
AUTOMODERATOR = "AutoModerator"
TARGET_WITHDRAWN = "author of what was shared was withdrawn by the platform"

_FULLNAME = re.compile(r"t[13]_[0-9a-z]+")
ID_LENGTH = 13  # digits of a 64-bit number in base 36
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def parse(line: bytes) -> Sequence[Record]:
    """One line with a comment or submission -> its records."""
    item = json_object(line)
    if item.get("kind") in ("t1", "t3") and type(item.get("data")) is dict:
        item = item["data"]
    occurred_at = _time(item.get("created_utc"))
    with dated(occurred_at):
        if "parent_id" in item or "link_id" in item:
            records = _comment(item, occurred_at)
        elif "title" in item:
            records = _submission(item, occurred_at)
        else:
            raise Rejected("line is neither a comment nor a submission")
    if item.get("subreddit_type") == "private":
        return (Ignored(occurred_at),)
    if item.get("author") == AUTOMODERATOR:
        return (*records, Account(AUTOMODERATOR, occurred_at, handle=AUTOMODERATOR, is_bot=True))
    return records


def _time(created: Any) -> int | None:
    """The time in microseconds. Reddit sends seconds; some dumps hold RFC 3339 times instead."""
    if created is None:
        return None
    try:
        return from_seconds(created)
    except Rejected:
        if type(created) is str and "-" in created[1:]:
            return from_iso(created)
        raise


def _comment(item: dict[str, Any], occurred_at: int | None) -> Sequence[Record]:
    own = _fullname("t1_" + account_id(item.get("id"), "comment"))
    parent = _numbered("t1_", item.get("parent_id")) or _numbered("t3_", item.get("link_id"))
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
    """The author, or None for a deleted or removed account."""
    if "author" not in item:
        raise Rejected("actor is missing")
    return None if item["author"] in WITHDRAWN else account_id(item["author"])


def _numbered(prefix: str, value: Any) -> Any:
    """A parent's fullname. Some dumps give a number, which is converted; any other value stays unchanged."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 < value < 36**ID_LENGTH:
        return value
    digits = ""
    while value:
        value, digit = divmod(value, 36)
        digits = _DIGITS[digit] + digits
    return prefix + digits


def _fullname(value: Any) -> str:
    name = account_id(value, "parent").lower()
    if not _FULLNAME.fullmatch(name):
        raise Rejected("id is neither t1_ nor t3_ and letters and digits")
    return name


class RedditSource:
    """Files of comments, submissions or both."""

    platforms = (PLATFORM,)

    def __init__(self, source_id: str, places: Sequence[str]) -> None:
        self.files = existing(places, (*JSON_LINES, *COMPRESSIONS))

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Yields the pages of all files, each read once, whatever days they hold."""
        return pages(PLATFORM, self.files, parse)
