"""Hostile lines for parsers, and what a source's pages hold together."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sources.lines import Parse
from jobs.sources.live.budget import Budget
from jobs.sources.live.http import Api
from jobs.sources.page import Note, Page, PageBuilder, Rejected
from tests.jobs.sources.mastodon_instance import Instance, peopled
from tests.jobs.sources.platform_server import Platform, served

NASTY = [
    "",
    "/",
    "a/b",
    "\x00",
    "[deleted]",
    "did:plc:a",
    "at://",
    "at://did:plc:a/b/c",
    "t1_a",
    "9" * 5000,
    "ﬀ/İ",
    "Like",
    "\ud800",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(NASTY)
)
JUNK = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "@id", "type", "uri", "login", "name", "object"]), inner, max_size=3)
    ),
    max_leaves=6,
)


class Clock:
    """Time passes only while the pull waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class Totals(NamedTuple):
    """All pages of a source, counted."""

    kinds: dict[str, int]
    faults: dict[tuple[str, str], int]
    lines: int
    ignored: int
    notes: list[Note]


# Types of the fixtures below that are functions.
MakeApi = Callable[..., Api]
CountPages = Callable[[Iterable[Page]], Totals]
Survives = Callable[[Parse, Sequence[bytes]], None]


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A platform's API on loopback, for one test."""
    with served() as platform:
        yield platform


@pytest.fixture
def instance(platform: Platform) -> Instance:
    """A Mastodon instance with people and posts."""
    return peopled(platform)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(platform: Platform, clock: Clock) -> Iterator[MakeApi]:
    """`api(requests=..)`: an API of the platform on loopback, closed after the test."""
    with ExitStack() as opened:

        def made(requests: int = 100, minutes: float = 60, **options: Any) -> Api:
            budget = Budget(requests, minutes, lambda: clock.now, clock.sleep)
            return opened.enter_context(Api(platform.url, budget, **options))

        yield made


@pytest.fixture
def count_pages() -> CountPages:
    def totals(pages: Iterable[Page]) -> Totals:
        kinds: Counter[str] = Counter()
        faults: Counter[tuple[str, str]] = Counter()
        lines = ignored = 0
        notes: list[Note] = []
        for page in pages:
            kinds.update(page.acts["kind"].to_pylist())
            faults.update(zip(page.faults["outcome"].to_pylist(), page.faults["reason"].to_pylist(), strict=True))
            lines += page.lines.total()
            ignored += page.ignored.total()
            notes += page.notes
        return Totals(dict(kinds), dict(faults), lines, ignored, notes)

    return totals


@pytest.fixture
def survives() -> Survives:
    """Fails where a parser raises anything but `Rejected`, or gives what a page cannot hold, on bytes of any kind or on
    one of these lines with up to three of its values replaced, removed or wrapped."""

    def check(parse: Parse, lines: Sequence[bytes]) -> None:
        @given(_mutated(lines) | st.binary() | JUNK.map(_dumped))
        def run(line: bytes) -> None:
            builder = PageBuilder("test", "test")
            try:
                builder.add(1, line, parse(line))
            except Rejected as fault:
                builder.reject(1, line, fault)
            builder.page()

        run()

    return check


@st.composite
def _mutated(draw: Any, lines: Sequence[bytes]) -> bytes:
    value = json.loads(draw(st.sampled_from(lines)))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            break
        where, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["replace", "replace", "remove", "wrap"])):
            case "replace":
                where[key] = draw(JUNK)
            case "wrap":
                where[key] = [where[key]]
            case "remove":
                del where[key]
    return _dumped(value)


def _dumped(value: Any) -> bytes:
    """With half a surrogate pair as the escape that JSON allows."""
    return json.dumps(value).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value inside, as what holds it and its key there."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])
