"""JSON that is not one value per line -> the text of each value, in bounded memory.

A line may hold several values, and a value may span several lines. An array yields its items. So does an API response or an
export that holds a list: `orderedItems` or `items` of an ActivityStreams collection, `data` of an API, `children` of a Reddit
listing, `comments_v2` or `reactions_v2` of a download from Facebook.
"""

import codecs
import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from jobs.sources.page import Rejected

PIECE_BYTES = 1 << 20
MAX_CHARS = 16 << 20  # per value; the same limit as for a line

_LISTS = ("orderedItems", "items", "data", "children", "comments_v2", "reactions_v2")
_PRINTED = re.compile(rb"\s*(?:\[\s*(?:[{\]]|$)|\{\s*\n)")  # an array of objects, or an object over several lines
_LISTED = re.compile(rb'"(?:%s)"\s*:\s*\[' % "|".join(_LISTS).encode())
_SPACE = re.compile(r"[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n,]*")  # values of a list or members of an object


def is_document(head: bytes) -> bool:
    """Whether a file that begins with `head` holds something other than one value per line."""
    head = head.removeprefix(codecs.BOM_UTF8)
    if _PRINTED.match(head):
        return True
    if not head.startswith(b"{") or not _LISTED.search(head):
        return False
    reader = _Reader(io.BytesIO(head))
    with suppress(Rejected):  # `head` is only the start of the document
        next(reader.values(), None)
    return reader.met_list


def several(line: bytes) -> Iterator[bytes]:
    """The values of a line that holds more than one, or a list of them. Yields nothing if the line is one value or not JSON.
    Reads the line twice, because all its values in one Python list may need a hundred times the line's memory."""
    if not line.startswith((b"{", b"[")):
        return
    alone, is_one = line.strip(), True
    try:
        for text in values(io.BytesIO(line)):
            is_one = is_one and text == alone
    except Rejected:
        return
    if not is_one:
        yield from values(io.BytesIO(line))


def values(stream: BinaryIO) -> Iterator[bytes]:
    """The text of each value in the stream. Raises `Rejected` if the rest of the text is not JSON or is truncated."""
    reader = _Reader(stream)
    while reader.next_char():
        yield from reader.values()


class _Reader:
    """A text and a position in it. Holds only the current value in memory. An object stays in memory whole until its list
    begins."""

    def __init__(self, stream: BinaryIO) -> None:
        self.met_list = False
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._begin: int | None = None  # start of the object that is yielded whole unless it holds a list
        self._ended = False

    def next_char(self, skipped: re.Pattern[str] = _SPACE) -> str:
        """Moves past what is skipped and returns the next character; empty at the end."""
        while True:
            self._at = skipped.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def values(self) -> Iterator[bytes]:
        """The texts that the next value yields."""
        match self.next_char():
            case "{":
                yield from self._object()
            case "[":
                yield from self._array()
            case _:
                yield self._value()[1]

    def _object(self) -> Iterator[bytes]:
        self._begin = self._at
        self._take("{")
        is_listing = False
        while self.next_char(_BETWEEN) != "}":
            key = self._value()[0]
            self._take(":")
            if key in _LISTS and self.next_char() == "[":
                self._begin = None
                yield from self._array()
            elif key == "data" and is_listing and self.next_char() == "{":
                yield from self._object()
                self._begin = None
            else:
                is_listing = is_listing or (self._value()[0] == "Listing" and key == "kind")
        self._at += 1
        if self._begin is not None:
            yield self._text[self._begin : self._at].encode()
            self._begin = None

    def _array(self) -> Iterator[bytes]:
        self.met_list = True
        self._take("[")
        while self.next_char(_BETWEEN) != "]":
            yield self._value()[1]
        self._at += 1

    def _value(self) -> tuple[Any, bytes]:
        """The next value and its text."""
        self.next_char()
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except RecursionError:
                raise Rejected("value is nested too deeply") from None
            except ValueError:
                if not self._more():
                    raise Rejected("document is not JSON from here on, or breaks off") from None
                continue
            if end < len(self._text) or not self._more():  # a number may continue in the next piece
                text = self._text[self._at : end].encode()
                self._at = end
                return value, text

    def _take(self, char: str) -> None:
        if self.next_char() != char:
            raise Rejected("document is not JSON from here on, or breaks off")
        self._at += 1

    def _more(self) -> bool:
        """Drops the text before the current value, and adds more text than the value has so far, so that a long value is parsed
        again only a few times. Returns whether text was added."""
        begin = self._at if self._begin is None else self._begin
        needed = len(self._text) - begin
        if needed > MAX_CHARS:
            raise Rejected(f"value is longer than {MAX_CHARS >> 20} MiB")
        added = ""
        while not self._ended and len(added) <= needed:
            piece = self._stream.read1(PIECE_BYTES)  # type: ignore[attr-defined]
            self._ended = not piece
            try:
                added += self._decode(piece, self._ended)
            except UnicodeDecodeError:
                raise Rejected("document is not UTF-8") from None
        if added:
            self._text = self._text[begin:] + added
            self._at -= begin
            self._begin = None if self._begin is None else 0
        return bool(added)
