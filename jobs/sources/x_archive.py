"""x-archive: the posts of a person's own archive of X, as the person downloaded it and unpacked.

https://help.x.com/en/managing-your-account/how-to-download-your-x-archive. A place is the archive's folder or its `data`. The
source reads `account.js`, which names the person, and `tweets.js` with its parts (`tweet.js` until 2022). Each file is a script
that assigns a list to `window.YTD...`. The platform and its ids are those of `x-posts`.

    post                                becomes
    text begins with `RT @name:`        reshare of the account that it names; of which post, the archive does not say
    in reply to an account              reply
    links to a post of X                quote of that post, whose author is looked up among all lines of the pull
    names accounts                      mention of each, except the account it replies to
    not retweeted and no reply          post

The archive says what its owner did, not what others did to the owner. So the owner gains influence only if the archives of
other people, or `x-posts`, show what they did. Likes (`like.js`), followers (`follower.js`) and followed accounts
(`following.js`) have no times there, so they are no acts and are not read. Deleted posts are not read either. Accounts that are
gone have the id -1: their acts are unresolved.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, BinaryIO

from jobs.errors import UsageError
from jobs.sources.files import existing
from jobs.sources.lines import Line, pages, values
from jobs.sources.page import Account, Act, Author, Page, Record, Rejected, Unresolved
from jobs.sources.values import (
    ACTOR_WITHDRAWN,
    NO_TIME,
    TIME_LENGTH,
    account_id,
    dated,
    from_iso,
    from_seconds,
    json_object,
    shown,
    within,
)
from jobs.sources.x_posts import PLATFORM

FILES = ("tweets.js", "tweets-part*.js", "tweet.js", "tweet-part*.js")
GONE = "-1"  # the id of an account that does not exist any more
TARGET_GONE = f"target: {ACTOR_WITHDRAWN}"

_ASSIGNMENT = re.compile(rb"\s*window\.YTD\.\w+\.part\d+\s*=\s*")
_RESHARED = re.compile(r"RT @\w+:")
_POST_LINK = re.compile(r"https?://(?:www\.|mobile\.)?(?:twitter|x)\.com/\w+/status/(\d+)(?:[/?].*)?")


def parse(owner: str, line: bytes) -> Sequence[Record]:
    """One post of the archive of the account `owner` -> its records."""
    value = json_object(line)
    post = value.get("tweet", value)
    own = account_id(within(post, "id_str") or within(post, "id"), "post")
    created_at = within(post, "created_at")
    if created_at is None:
        return (Unresolved(NO_TIME, None), Author(own, owner))
    occurred_at = _time(created_at)
    with dated(occurred_at):
        return (*_acts(post, owner, occurred_at, own), Author(own, owner))


def _acts(post: dict[str, Any], owner: str, at: int, own: str) -> Iterator[Record]:
    entities = post.get("entities")
    mentions = [_account(mention) for mention in _list(within(entities, "user_mentions"))]
    text = post.get("full_text", post.get("text"))
    if type(text) is str and _RESHARED.match(text):
        yield _to("reshare", owner, mentions[0] if mentions else None, at, own)
        return
    replied_to = None
    if (name := post.get("in_reply_to_user_id_str", post.get("in_reply_to_user_id"))) is not None:
        parent = post.get("in_reply_to_status_id_str", post.get("in_reply_to_status_id"))
        replied_to = account_id(name, "target")
        yield _to("reply", owner, replied_to, at, own, None if parent is None else account_id(parent, "parent"))
    else:
        yield Act("post", owner, owner, at, own)
    for link in _list(within(entities, "urls")):
        address = within(link, "expanded_url")
        if type(address) is str and len(address) < 300 and (match := _POST_LINK.fullmatch(address)):
            yield Act("quote", owner, None, at, own, account_id(match[1], "subject"))
            break
    for mentioned in dict.fromkeys(mentions):
        if mentioned != replied_to:
            yield _to("mention", owner, mentioned, at, own)


def _to(kind: str, owner: str, target: str | None, at: int, own: str, about: str | None = None) -> Act | Unresolved:
    return Unresolved(TARGET_GONE, at) if target in (None, GONE) else Act(kind, owner, target, at, own, about)


def _account(mention: Any) -> str:
    return account_id(within(mention, "id_str") or within(mention, "id"), "target")


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _time(value: Any) -> int:
    """`Wed Oct 10 20:19:24 +0000 2018`, or an RFC 3339 time, as microseconds."""
    if type(value) is not str or len(value) > TIME_LENGTH:
        raise Rejected("time is not a text")
    try:
        return from_seconds(datetime.strptime(value, "%a %b %d %H:%M:%S %z %Y").timestamp())
    except (ValueError, OverflowError):
        return from_iso(value)


def _read(stream: BinaryIO) -> Iterator[Line]:
    """The items of the list that a script assigns."""
    head = stream.peek(200)  # type: ignore[attr-defined]
    if match := _ASSIGNMENT.match(head):
        stream.read(match.end())
    return values(stream)


class XArchiveSource:
    """Unpacked archives, each with its own person."""

    platforms = (PLATFORM,)

    def __init__(self, source_id: str, places: Sequence[str]) -> None:
        self.archives = [_Archive(Path(place).expanduser()) for place in places]

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Yields the pages of all files, each read once, whatever days they hold."""
        for archive in self.archives:
            yield from archive.pages()


class _Archive:
    """One archive. Raises `UsageError` if the folder lacks the posts or does not say whose they are."""

    def __init__(self, folder: Path) -> None:
        folder = folder / "data" if (folder / "data").is_dir() else folder
        scripts = existing([str(folder)], (".js",))
        self.files = [path for pattern in FILES for path in scripts if fnmatch(path.name, pattern)]
        if not self.files:
            raise UsageError(f"{folder}: expected the folder of an unpacked archive of X, with data/tweets.js")
        self._account = folder / "account.js"
        try:
            with self._account.open("rb") as file:
                (line,) = _read(file)
            self._owner = within(json_object(line.text), "account")
            self.id = account_id(within(self._owner, "accountId"))
        except (OSError, ValueError, Rejected):
            raise UsageError(f"{self._account}: expected the account of the archive's person, `accountId`") from None

    def pages(self) -> Iterator[Page]:
        """The pages of the posts. Each post gives an account row: the archive states no other time at which the person had this
        name."""
        yield from pages(PLATFORM, self.files, self._parse, _read)

    def _parse(self, line: bytes) -> Sequence[Record]:
        records = parse(self.id, line)
        at = next((record.occurred_at for record in records if isinstance(record, Act | Unresolved)), None)
        return (*records, Account(self.id, at, handle=shown(within(self._owner, "username"))))
