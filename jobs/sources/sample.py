"""sample: a simulation of several platforms at once. It is the default, so clout runs without data.

`sample[=people=N,seed=N]` computes any day from seed, size and day alone: heavy-tailed audiences, communities, lasting mutual
ties, daily and weekly rhythms. Its platforms are named `sample-...`, so nobody mistakes its people for real ones. A file is one
day of one platform, and a line is one act. Each page holds the profiles of all accounts that appear in it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jobs.errors import UsageError
from jobs.sources.page import ACCOUNTS, ACTS, DAY_US, Page, PageBuilder
from jobs.sources.sample_world import PLATFORMS, Acts, Crowd, Ints, Profiles, platform_sizes
from schemas.kinds import KINDS

PEOPLE = 10_000
MAX_PEOPLE = 64**4  # the number of handles of four syllables
SEED = 1
MAX_SEED = 2**64 - 1  # the random key takes 64 bits

WITHOUT_OBJECT = np.isin(KINDS, ("mention", "follow", "post"))  # acts without an object
FIRST_ACCOUNT_US = int(datetime(2006, 3, 21, tzinfo=UTC).timestamp()) * 1_000_000
LAST_ACCOUNT_US = int(datetime(2012, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
HANDLE_STEP = 10_368_889  # odd, so no two accounts share a handle; large, so neighbors look different

_DIGITS = np.array([f"{number:04d}" for number in range(10_000)], dtype="S4")
_SYLLABLE = [consonant + vowel for consonant in "bdfghjklmnprstvz" for vowel in "aeio"]
_SYLLABLES = np.array([first + second for first in _SYLLABLE for second in _SYLLABLE], dtype="S4")
_NAMES = np.char.capitalize(_SYLLABLES)

Bytes = NDArray[np.bytes_]
_PLACE = re.compile(r"(people|seed)=([0-9]{1,20})")


class SampleSource:
    """One simulated world: `people` accounts over all platforms."""

    platforms = tuple(platform.name for platform in PLATFORMS)

    def __init__(self, source_id: str, places: Sequence[str]) -> None:
        if len(places) != 1:
            raise UsageError(f"--source {source_id}: one simulation is one source, found {len(places)} places")
        options = _options(source_id, places[0])
        self.people = options.get("people", PEOPLE)
        self.seed = options.get("seed", SEED)

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Yields a page per day, platform and block of accounts, of the requested days only."""
        sizes = platform_sizes(self.people)
        crowds = [Crowd(platform, size, self.seed) for platform, size in zip(PLATFORMS, sizes, strict=True)]
        for number in range((last_day - first_day).days + 1):
            for crowd in crowds:
                yield from self._day(crowd, first_day + timedelta(days=number))

    def _day(self, crowd: Crowd, day: date) -> Iterator[Page]:
        empty = PageBuilder(crowd.platform.name, f"sample people={self.people} seed={self.seed} day={day}").page()
        line = 1
        for first in crowd.blocks():
            rows = crowd.acts(day, first)  # every target is also an actor: of its post
            acts = _acts(rows, day, line)
            yield replace(
                empty,
                acts=acts,
                accounts=accounts(crowd.profiles(np.unique(rows.actor)), day, line),
                lines=Counter({day: len(acts)}),
            )
            line += len(acts)


def _options(source_id: str, place: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in place.split(",") if place else ():
        match = _PLACE.fullmatch(part)
        if not match or match[1] in found:
            raise UsageError(
                f"--source {source_id}: cannot read {part!r}; expected people=N, seed=N, or both with a comma between,"
                f" such as {source_id}=people={PEOPLE},seed={SEED}"
            )
        found[match[1]] = int(match[2])
    if not 1 <= found.get("people", PEOPLE) <= MAX_PEOPLE:
        raise UsageError(f"--source {source_id}: people={found['people']}: expected 1 to {MAX_PEOPLE}")
    if found.get("seed", SEED) > MAX_SEED:
        raise UsageError(f"--source {source_id}: seed={found['seed']}: expected 0 to {MAX_SEED}")
    return found


def _acts(acts: Acts, day: date, first_line: int) -> pa.RecordBatch:
    count = len(acts.kind)
    # An act's id is its post's id with another last number. The post itself is act 0 and the object of all others.
    post = (day.strftime("%Y%m%d-").encode(), *_number(acts.target), b"-", _DIGITS[acts.post], b"-")
    columns = [
        pa.DictionaryArray.from_arrays(acts.kind.astype(np.int8), list(KINDS)).cast(pa.string()),
        _texts(count, b"a", *_number(acts.actor)),
        _texts(count, b"a", *_number(acts.target)),
        pa.array(_midnight(day) + acts.at_us),
        _texts(count, *post, _DIGITS[acts.act]),
        _texts(count, *post, b"0000", null=WITHOUT_OBJECT[acts.kind]),
        pa.array(np.arange(first_line, first_line + count)),
        pa.nulls(count, pa.string()),
    ]
    return pa.record_batch(columns, schema=ACTS)


def accounts(profiles: Profiles, day: date, line: int) -> pa.RecordBatch:
    """A page's rows for these accounts, observed at the day's midnight."""
    count = len(profiles.account)
    name = np.divmod((profiles.account + 1) * HANDLE_STEP % MAX_PEOPLE, len(_SYLLABLES))
    made = FIRST_ACCOUNT_US + (profiles.age * (LAST_ACCOUNT_US - FIRST_ACCOUNT_US)).astype(np.int64)
    columns = [
        _texts(count, b"a", *_number(profiles.account)),
        pa.array(np.full(count, _midnight(day))),
        _texts(count, _SYLLABLES[name[0]], _SYLLABLES[name[1]]),
        _texts(count, _NAMES[name[0]], b" ", _NAMES[name[1]], b" (simulated)"),
        pa.array(made),
        pa.array(profiles.followers),
        pa.array(profiles.following),
        pa.array(profiles.is_bot),
        pa.array(np.full(count, line)),
    ]
    return pa.record_batch(columns, schema=ACCOUNTS)


def _midnight(day: date) -> int:
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY_US


def _number(values: Ints) -> tuple[Bytes, Bytes]:
    """Whole numbers below 10^8 as eight digits, in two halves."""
    high, low = np.divmod(values, len(_DIGITS))
    return _DIGITS[high], _DIGITS[low]


def _texts(count: int, *parts: bytes | Bytes, null: NDArray[np.bool_] | None = None) -> pa.StringArray:
    """`count` texts, each a concatenation of the parts. All have the same width, so no loop is needed."""
    widths = [len(part) if isinstance(part, bytes) else part.dtype.itemsize for part in parts]
    packed = np.empty(count, dtype=[(f"part{k}", f"S{width}") for k, width in enumerate(widths)])
    for name, part in zip(packed.dtype.names or (), parts, strict=True):
        packed[name] = part
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(sum(widths))
    valid = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(packed), valid)
