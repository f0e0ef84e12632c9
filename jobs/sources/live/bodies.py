"""Responses and their bodies: bounded, and as JSON."""

import json
import math
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx2

from jobs.sources.live.budget import ApiError

MAX_ANSWER_BYTES = 64 << 20


class Answer(NamedTuple):
    """A parsed JSON response. `next` is the URL of the next page from the `Link` header, None if there is none. `at` is the
    platform's time in seconds since 1970; this machine's if the response has no readable `Date`. The names of `headers` are in
    lower case. `is_unchanged`: the resource still has the version that the request named, and there is no value."""

    value: Any
    next: str | None
    at: float = 0.0
    headers: Mapping[str, str] = MappingProxyType({})
    is_unchanged: bool = False

    @property
    def etag(self) -> str | None:
        """The version of the resource, to be named by another request for it; None if the platform gives none."""
        return self.headers.get("etag")


def body(answer: httpx2.Response, where: str, most_bytes: int, most_s: float = math.inf) -> bytes:
    """The decompressed body of a response. Raises `ApiError` if it is larger than `most_bytes`, or takes longer than `most_s`
    seconds."""
    end = time.monotonic() + most_s
    read = bytearray()
    for chunk in answer.iter_bytes():
        read += chunk
        if len(read) > most_bytes:
            raise ApiError(f"{where}: the answer is larger than {most_bytes:,} bytes")
        if time.monotonic() > end:
            raise ApiError(f"{where}: the answer takes longer than {most_s:g} s")
    return bytes(read)


def json_of(content: bytes) -> Any:
    """The value, also with halves of surrogate pairs and numbers of any length. Raises `ValueError` if it is no JSON."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None
