"""What a command of `clout` left behind, and the type of the fixture that runs one."""

from collections.abc import Callable
from typing import NamedTuple


class Result(NamedTuple):
    code: int
    out: str
    err: str


RunClout = Callable[..., Result]
