"""Finds where an account's id or name may be in a text: a line of JSON, a URL, an id of content, or a sentence.

Some names are *ordinary* words or too short to be recognized. Such a text counts as a name only where a name must be: as the
value of a key such as `login`, as the account in a URL, or as the owner in an id such as `owner/repository`. Other names are
recognized anywhere, but never as a part of a longer name.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from enum import IntEnum
from functools import cache
from itertools import accumulate, islice
from typing import NamedTuple
from urllib.parse import unquote

from schemas.catalog import TABLES

SHORTEST = 5  # bytes: a shorter name occurs in texts by accident

# Keys of JSON, in lower case, whose values are accounts. A value that is another account's id is never changed, even if that id
# contains a name.
ACCOUNT_KEYS = frozenset(
    re.findall(
        r"\w+",
        """
        account account_id acct acting_username actor actor_id attributedto author author_fullname authorchannelid by channelid
        did from handle login nickname owner preferredusername screen_name subject target target_id to user user_id user_login
        username
        """,
    )
)
# Keys whose values are accounts or accounts' content.
CONTENT_KEYS = frozenset({"id", "object", "object_id", "uri", "url"})
PATH_KEYS = frozenset({"name"})  # keys whose values may begin with the owner, such as `owner/repository`
# What may stand between a URL's host and the account.
ACCOUNT_FOLDERS = r"(?:@|~|(?:users?|u|profile|people|in|channel|c|repos|orgs)/)?"

# Words that platforms and storage formats write everywhere, besides those of clout's own tables.
_WRITTEN = """
    accept add announce answer application article boolean comment commit commitcommentevent commitinfo create createevent date
    delete deleteevent delta discussion document double engine error event false flag follow followevent forkevent format group
    hashtag http https image integer issue issuecommentevent issuesevent items join json leave link listed long mention merge
    metadata move note null object offer opened operation organization overwrite parquet partition person place post profile
    protocol public publicevent pullrequestevent pushevent question read reject releaseevent remove reply repository review
    schema service spark string timestamp title tombstone true type undo unlisted update user users utf8 version video view
    watchevent write zstd
"""

# A JSON string and whether it is a key, or a word outside of quotes.
_PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?|([^\s"\'<>(),;{}\[\]\\|]+)')
_PUNCTUATION = " :,{}[]\r\n\t"
_PLAIN = re.compile(r"[\w-]+")
_LINK = re.compile(r"(\w[\w.:/~-]*)/([\w-]+)")  # the last part of a URL, and what is before
_TIME = re.compile(r"[\d:.TZ+-]+")
_WORD = re.compile(r"""[^\s"'<>(),;{}\[\]\\|]+""")
_SEGMENT = re.compile(r"[\w%-][\w.%-]*")
_BETWEEN = re.compile(r"([^\w.%-]+)")
_RARE = re.compile(r"""[\s"'<>(),;{}\[\]\\|%@]|did:""")
_COMPOSITE = re.compile(r"did:[a-z]+:[\w.%-]+|[\w.-]+@[\w.-]+")
_PART = re.compile(r"[^:/]+")  # of a value with spaces, such as `User talk:Jane Doe/Archive`
_OWNER = re.compile(r"(?:https?://[^/\s]+/" + ACCOUNT_FOLDERS + r"|@|acct:|/?u/)")


class Role(IntEnum):
    """What a value is, as far as its key says."""

    OTHER = 0
    PATH = 1
    CONTENT = 2
    ACCOUNT = 3


class Place(NamedTuple):
    """Characters `start` to `end` of a value, which may be the `name` of an account. `is_certain`: a name must be there.
    `is_whole`: the name is the whole value."""

    start: int
    end: int
    name: str
    is_certain: bool
    is_whole: bool


def is_short(name: str) -> bool:
    """Whether the name occurs in texts by accident, such as the id `88`."""
    return len(name.encode("utf-8", "surrogatepass")) < SHORTEST


def is_ordinary(name: str) -> bool:
    """Whether the name is short, or a word that clout, platforms and storage formats write everywhere."""
    return is_short(name) or name.lower() in _ordinary_words()


@cache
def _ordinary_words() -> frozenset[str]:
    texts = [_WRITTEN, *(f"{table.name} {table.doc}" for table in TABLES)]
    texts += [f"{column.name} {column.doc}" for table in TABLES for column in table.columns]
    return frozenset(word for text in texts for word in re.findall(r"\w+", text.lower()))


def pieces(text: str) -> set[str]:
    """Parts of a line that together hold all its values. This is fast, and most parts recur in many lines."""
    if "\\" not in text:
        return set(text.split('"'))
    return {unescaped(quoted) or word for quoted, colon, word in _PIECE.findall(text) if not colon}


def names(piece: str, known: Collection[str] = ()) -> set[str]:
    """Everything in one of the `pieces` that may be a name, as `places` would find it. It is built to be fast, because it runs
    on every piece and hardly any piece holds a name. It may leave out names in `known` pieces and names: most URLs differ from
    others only in their last parts."""
    links = set()
    while link := _LINK.fullmatch(piece):
        links |= {piece, link[2]}
        if (piece := link[1]) in known:
            return links
    return links | _names(piece)


def _names(piece: str) -> set[str]:
    if _PLAIN.fullmatch(piece) or not (bare := piece.strip(_PUNCTUATION)):
        return {piece}
    if _TIME.fullmatch(bare) and not bare.isdigit():
        return set()
    if _RARE.search(bare):
        return {piece} | {name for start, end in _spans(piece) for name in _decoded(piece[start:end])}
    parts = _BETWEEN.split(bare)
    found = {*parts[::2], *islice(accumulate(parts), 0, None, 2)}
    if "." in bare:
        segments = {part.lstrip(".") for part in parts[::2]}
        found |= segments | {part[: dot.start()] for part in segments for dot in re.finditer(r"\.", part)}
    return found


def values(text: str) -> Iterator[tuple[str, Role]]:
    """Each value of a line of JSON, or each word outside of quotes, and its role. Omits keys, because they name nobody."""
    role = Role.OTHER
    for quoted, colon, word in _PIECE.findall(text):
        if colon:
            role = role_of(quoted)
        elif quoted or word:
            yield unescaped(quoted) or word, role


def role_of(key: str) -> Role:
    """The role of the value of a JSON key."""
    lower = key.lower()
    keys = {Role.ACCOUNT: ACCOUNT_KEYS, Role.CONTENT: CONTENT_KEYS, Role.PATH: PATH_KEYS}
    return next((role for role, names in keys.items() if lower in names), Role.OTHER)


def replaced(text: str, replace: Callable[[str, Role], str]) -> str:
    """The line with `replace(value, role)` in place of each of `values`."""
    role = Role.OTHER

    def piece(match: re.Match[str]) -> str:
        nonlocal role
        quoted, colon, word = match.groups()
        if colon:
            role = role_of(quoted)
            return match[0]
        value = unescaped(quoted) if quoted else word or ""
        new = replace(value, role) if value else value
        return match[0] if new == value else json.dumps(new) if quoted else new

    return _PIECE.sub(piece, text)


def unescaped(quoted: str) -> str:
    """The value of a string of JSON; the string itself if it is malformed."""
    if "\\" not in quoted:
        return quoted
    try:
        return json.loads(f'"{quoted}"')
    except ValueError:
        return quoted


def places(value: str, role: Role) -> Iterator[Place]:
    """Where names may be in a value, the longest first."""
    owner = _OWNER.match(value)
    first = owner.end() if owner else 0
    begins = {0, first if owner and "://" not in owner[0] else 0}
    for start, end in sorted(_spans(value), key=lambda span: (span[0] - span[1], span)):
        is_whole = start in begins and end == len(value)
        ends = ("/", "#") if role == Role.PATH else ("", "/", "#", "?", "@")
        is_certain = start == first and (role > 0 or bool(owner)) and value[end : end + 1] in ends
        if is_whole or role != Role.ACCOUNT:
            for name in _decoded(value[start:end]):
                yield Place(start, end, name, is_certain, is_whole)


def _decoded(name: str) -> Iterator[str]:
    yield name
    if "%" in name and (decoded := unquote(name)) != name:
        yield from names(decoded)


def _spans(value: str) -> set[tuple[int, int]]:
    found = {(0, len(value))}
    for word in _WORD.finditer(value):
        first, last = word.span()
        for segment in _SEGMENT.finditer(value, first, last):
            start, end = segment.span()
            found |= {(start, end), (first, end)}
            if "." in segment[0]:
                found |= {(start, start + dot.start()) for dot in re.finditer(r"\.", segment[0])}
    if "@" in value or "did:" in value:
        found |= {composite.span() for composite in _COMPOSITE.finditer(value)}
    if " " in value:
        found |= {part.span() for part in _PART.finditer(value)}
    return found
