"""Values sent by platforms -> ids and instants, or a named reason for rejection. All input is treated as hostile."""

import hashlib
import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from jobs.sources.page import Rejected

# An instant outside this range is a fault of the sender.
EARLIEST = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
ID_LENGTH = 2048
ID_DIGITS = 40  # for numeric ids; a 128-bit number has 39
TIME_LENGTH = 64  # in characters; a longer text is no time, and must be neither cached nor converted

# Reasons of `Unresolved` shared by sources.
NO_TIME = "time is missing"
ACTOR_WITHDRAWN = "actor was withdrawn by the platform"
NO_TARGET = "does not say whom it was about"

_RFC_3339 = re.compile(
    r"\d{4}-?\d\d-?\d\d[T ](?:[01]\d|2[0-3])(?::?[0-5]\d(?::?(?:[0-5]\d|(?P<leap>60))(?:[.,]\d+)?)?)?"
    r"(?:Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def json_object(line: bytes) -> dict[str, Any]:
    """The JSON object on a line. Raises `Rejected` if the line is not one. Half of a surrogate pair, written as an escape, is
    accepted (RFC 8259 section 8.2). So is `NaN`, which some dump writers use for null. Ids may hold neither."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            value = json.loads(line.decode())
        except (ValueError, RecursionError):
            raise Rejected("line is not JSON") from None
    if type(value) is not dict:
        raise Rejected("line is not a JSON object")
    return value


def within(value: Any, *keys: str) -> Any:
    """The value at this path of keys; None if a key is missing or a value on the path is not an object."""
    for key in keys:
        if type(value) is not dict:
            return None
        value = value.get(key)
    return value


class dated:
    """Adds this time to a `Rejected` raised inside, so the line is counted on its own day."""

    __slots__ = ("_occurred_at",)  # no generator: that made parsing a line a tenth slower

    def __init__(self, occurred_at: int | None) -> None:
        self._occurred_at = occurred_at

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, fault: BaseException | None, __: object) -> None:
        if isinstance(fault, Rejected) and fault.occurred_at is None:
            fault.occurred_at = self._occurred_at


def account_id(value: Any, what: str = "actor") -> str:
    """An id as text. Raises `Rejected` if it is missing, is neither a string nor a whole number, is longer than `ID_LENGTH`
    characters or `ID_DIGITS` digits, or holds control characters."""
    if type(value) is str:
        if not value:
            raise Rejected(f"{what} is missing")
        if len(value) > ID_LENGTH:
            raise Rejected(f"{what} id is longer than {ID_LENGTH} characters")
        if not value.isprintable() and _CONTROL.search(value):
            raise Rejected(f"{what} id holds control characters")
        return value
    if type(value) is int and abs(value) < 10**ID_DIGITS:
        return str(value)
    if value is None:
        raise Rejected(f"{what} is missing")
    raise Rejected(f"{what} id is neither a string nor a number")


def shown(value: Any) -> str | None:
    """The value if it is text to display: 1 to `ID_LENGTH` characters, none of them a control character. Else None."""
    return value if type(value) is str and 0 < len(value) <= ID_LENGTH and not _CONTROL.search(value) else None


def counted(value: Any) -> int | None:
    """The value if it is a number of things that fits a column. Else None."""
    return value if type(value) is int and 0 <= value < 2**63 else None


def from_seconds(value: Any) -> int:
    """Unix seconds (a number, also as text) -> microseconds. Raises `Rejected` if the value is not a time or is out of
    range."""
    try:
        seconds = _number(value) if isinstance(value, str | bytes) else value
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ValueError
        if not EARLIEST <= seconds < LATEST:  # also refuses nan
            raise Rejected("time is out of range")
    except ValueError:
        raise Rejected("time is not a number of seconds") from None
    return round(seconds * 1_000_000)


def _number(text: str | bytes) -> float:
    if len(text) > TIME_LENGTH:
        raise ValueError
    try:
        return int(text)
    except ValueError:
        return float(text)


def from_micros(value: Any) -> int:
    """Checks Unix microseconds and returns them. Raises `Rejected` if the value is not a whole number or is out of range."""
    if type(value) is not int:
        raise Rejected("time is not a number of microseconds")
    if not EARLIEST * 1_000_000 <= value < LATEST * 1_000_000:
        raise Rejected("time is out of range")
    return value


@lru_cache(maxsize=65_536)
def _parse_iso(value: str) -> int:
    text = value.upper()  # the letters may be lower-case
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError
    if leap := match["leap"]:  # a leap second becomes the last instant of its own day
        at = match.start("leap")
        text = f"{text[:at]}59.999999{text[at + len(leap) :].lstrip('.,0123456789')}"
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


def from_iso(value: Any) -> int:
    """RFC 3339 text -> microseconds; a time without an offset is UTC. Raises `Rejected` if the value is not a time or is out of
    range."""
    if not isinstance(value, str):
        raise Rejected("time is not a text")
    if len(value) > TIME_LENGTH:
        raise Rejected("time is not an RFC 3339 time")
    try:
        micros = _parse_iso(value)
    except (ValueError, OverflowError):
        raise Rejected("time is not an RFC 3339 time") from None
    if not EARLIEST * 1_000_000 <= micros < LATEST * 1_000_000:
        raise Rejected("time is out of range")
    return micros


def derived_id(actor_id: str, target_id: str, occurred_at: int) -> str:
    """Id of an act on a platform that supplies none. The same actor, target and second (truncated) are one act, whatever kind
    the report gives it and whichever source reports it."""
    text = f"{actor_id}\0{target_id}\0{occurred_at // 1_000_000}"
    return "derived:" + hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
