"""What a command of `clout` left behind."""

from typing import NamedTuple


class Result(NamedTuple):
    code: int
    out: str
    err: str
