"""Bodies of responses: bounded, and as JSON."""

import json
import math
import time
from typing import Any

import httpx2

from jobs.sources.live.budget import ApiError

MAX_ANSWER_BYTES = 64 << 20


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
