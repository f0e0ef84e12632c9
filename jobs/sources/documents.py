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


def several(line: bytes) -> list[bytes]:
    """The values of a line that holds more than one, or a list of them. Empty if the line is one value or not JSON."""
    if not line.startswith((b"{", b"[")):
        return []
    try:
        found = list(values(io.BytesIO(line)))
    except Rejected:
        return []
    return [] if found == [line.strip()] else found


def values(stream: BinaryIO) -> Iterator[bytes]:
    """The text of each value in the stream. Raises `Rejected` if the rest of the text is not JSON or is truncated."""
    reader = _Reader(stream)
    while reader.next_char():
        yield from reader.values()


class _Reader:
    """A text and a position in it. Only the current value is held in memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self.met_list = False
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._ended = False

    def next_char(self) -> str:
        """Moves to the next non-space character and returns it; empty at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def values(self) -> Iterator[bytes]:
        """The texts that the next value yields."""
        self._forget()
        match self.next_char():
            case "{":
                yield from self._object()
            case "[":
                yield from self._array()
            case _:
                yield self._value()[1]

    def _object(self) -> Iterator[bytes]:
        begin = self._at
        self._take("{")
        holds_list, is_listing = False, False
        while (char := self.next_char()) != "}":
            if char == ",":
                self._at += 1
                continue
            key = self._value()[0]
            self._take(":")
            if key in _LISTS and self.next_char() == "[":
                holds_list = True
                yield from self._array()
            elif key == "data" and is_listing and self.next_char() == "{":
                holds_list = True
                yield from self._object()
            else:
                is_listing = is_listing or (self._value()[0] == "Listing" and key == "kind")
        self._at += 1
        if not holds_list:
            yield self._text[begin : self._at].encode()

    def _array(self) -> Iterator[bytes]:
        self.met_list = True
        self._take("[")
        while (char := self.next_char()) != "]":
            if char == ",":
                self._at += 1
                continue
            self._forget()
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

    def _forget(self) -> None:
        """Drops the text before the position, but not for every value, because dropping copies the rest."""
        if self._at > PIECE_BYTES:
            self._text, self._at = self._text[self._at :], 0

    def _more(self) -> bool:
        """Reads at least as much text as it holds already, so a long value is not reparsed too often. Returns whether text was
        added."""
        if len(self._text) - self._at > MAX_CHARS:
            raise Rejected(f"value is longer than {MAX_CHARS >> 20} MiB")
        held = len(self._text)
        while not self._ended and len(self._text) <= 2 * held:
            piece = self._stream.read1(PIECE_BYTES)  # type: ignore[attr-defined]
            self._ended = not piece
            try:
                self._text += self._decode(piece, self._ended)
            except UnicodeDecodeError:
                raise Rejected("document is not UTF-8") from None
        return len(self._text) > held
