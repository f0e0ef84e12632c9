"""The simulated platforms: who lives there, who follows whom, and what they do on a day. Numbers only, all by NumPy.

Nothing is stored and nothing looks back. What lasts about an account (fame, fans, temper) is a hash of its number, so
that any account can be asked for alone; what happens on a day is drawn from a stream keyed by (seed, platform, day,
block of authors). So memory depends on the size of a block, never on the number of people or days.

The same bytes everywhere: only raw integers of Philox are drawn (NumPy keeps those the same for ever, its distributions
not), and they meet nothing but + - * / and the square root, which IEEE 754 rounds alike on every machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.kinds import KINDS, POST

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One simulated platform. Shares are whole per cent, so that sizes come out alike everywhere."""

    name: str
    people_percent: int
    weekend: float  # posts on a Saturday or Sunday, as a multiple of a working day's
    kind_percent: Mapping[str, int]  # what those who act on a post do
    mentioned: float  # share of replies that also arrive as a mention of the same act


PLATFORMS = (
    Platform(
        name="sample-birdsong",  # microblog: quieter at weekends, and every second reply names its author too
        people_percent=60,
        weekend=0.8,
        kind_percent={"like": 52, "reshare": 16, "reply": 16, "mention": 6, "follow": 6, "quote": 4},
        mentioned=0.5,
    ),
    Platform(
        name="sample-forum",  # discussion: what people do when they have time
        people_percent=25,
        weekend=1.3,
        kind_percent={"like": 58, "reply": 42},
        mentioned=0.0,
    ),
    Platform(
        name="sample-workshop",  # code hosting (a like is a star, a reshare a fork): what people do at work
        people_percent=15,
        weekend=0.4,
        kind_percent={"like": 60, "reshare": 10, "reply": 30},
        mentioned=0.0,
    ),
)

# Whole communities, so that most acts stay within a block; a page of about 150,000 acts and 100 MB while it is made.
BLOCK_ACCOUNTS = 65_536
COMMUNITY = 128  # near Dunbar's 150: people who know each other; divides a block
FRIENDS = 24  # an account's first fans are friends, from its community, and the tie is mutual

POSTS = 0.55  # scale of posts a day; the mean comes out at about 0.5 a person
MAX_POSTS = 50  # a day and account
SEEN = 4.0  # scale of how many see a post that is lucky enough; about a third of them act
MAX_SEEN = 9_999  # of one post: keeps a page small, and the number of an act within four digits
STRANGERS_PER_FAME = 60  # fans beyond the friends, for fame 1, which is the mean
FASHION_DAYS = 90  # fame comes and goes within so many days, so that scores have something to tell
READERS = 26  # of a community's 128: they never act on anybody's content
EAGERNESS = 24  # rank in the community at which people act on half of what the most active act on
BOTS = 0.03  # share of accounts that declare themselves automated

DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24
# Acts by hour of the day in UTC, relative: a deep trough at night, a first peak at noon, the higher one in the evening.
HOURLY = (12, 7, 4, 3, 3, 5, 10, 20, 32, 40, 44, 48, 52, 50, 46, 44, 46, 50, 56, 62, 64, 56, 40, 24)
SLOTS = 4096  # equally busy parts of the day, about 7 s in the evening and 2 min at night


class Acts(NamedTuple):
    """What one block of authors and those around them did on a day, in parallel columns."""

    kind: Ints  # index in `schemas.kinds.KINDS`
    actor: Ints
    target: Ints  # author of the post acted on
    post: Ints  # number among the author's posts of the day, from 0
    act: Ints  # number among those who saw the post, from 1; 0 for the post itself
    at_us: Ints  # since the day began


class Profiles(NamedTuple):
    """What is known of a block's accounts, in parallel columns. It is the same every day."""

    account: Ints
    followers: Ints
    following: Ints
    age: Floats  # 0 to 1, among all accounts
    is_bot: Flags


def platform_sizes(people: int) -> list[int]:
    """Accounts of each platform; they sum to `people`."""
    bounds = [people * sum(p.people_percent for p in PLATFORMS[:k]) // 100 for k in range(len(PLATFORMS) + 1)]
    return [end - start for start, end in pairwise(bounds)]


class Crowd:
    """The accounts of one platform, numbered from 0."""

    def __init__(self, platform: Platform, size: int, seed: int) -> None:
        self.platform = platform
        self.size = size
        self._seed = seed
        self._fame, self._industry, self._fan, self._age, self._bot, self._phase = self._stream(0, 0).random_raw(6)
        weights = [platform.kind_percent.get(kind, 0) for kind in KINDS]
        self._kind_of_percent = np.repeat(np.arange(len(KINDS)), weights)

    def _stream(self, day: int, block: int) -> np.random.Philox:
        """Day 0 is before the calendar: what lasts."""
        where = PLATFORMS.index(self.platform) << 56 | day << 32 | block
        return np.random.Philox(key=np.array([self._seed, where], dtype=np.uint64))

    def blocks(self) -> range:
        """First account of each block; at least one block, so that a platform nobody lives on is told too."""
        return range(0, max(self.size, 1), BLOCK_ACCOUNTS)

    def _block(self, first: int) -> Ints:
        return np.arange(first, min(first + BLOCK_ACCOUNTS, self.size))

    def profiles(self, first: int) -> Profiles:
        accounts = self._block(first)
        followers = self._fans(accounts)
        age = _unit(_hash(accounts, self._age))
        return Profiles(
            account=accounts,
            followers=followers,
            following=(FRIENDS * (1 + _lomax(age))).astype(np.int64),
            age=age,
            is_bot=_unit(_hash(accounts, self._bot)) < BOTS,
        )

    def acts(self, day: date, first: int) -> Acts:
        """What the block's authors posted, and everything that was done about it, on the day."""
        stream = self._stream(day.toordinal(), first // BLOCK_ACCOUNTS)
        accounts = self._block(first)
        author = np.repeat(accounts, self._post_count(accounts, day, stream))
        post = _numbers_within(author)
        quantile = _draw(stream, len(author)) ** 2  # early in the day, so that what follows fills it evenly

        seen = np.minimum(SEEN * self._audience(author, day) * _lomax(_draw(stream, len(author))), MAX_SEEN)
        which = np.repeat(np.arange(len(author)), seen.astype(np.int64))
        fan, by_rank = self._some_fan(author[which], _draw(stream, len(which)))
        acts = (_draw(stream, len(which)) < by_rank) & (fan != author[which])
        number = _numbers_within(which)[acts] + 1
        which, fan = which[acts], fan[acts]
        start = quantile[which]
        later = start + (1 - start) * _draw(stream, len(which)) ** 2  # soon after the post, and on its day
        kind = self._kind_of_percent[(100 * _draw(stream, len(which))).astype(np.int64)]
        named = (kind == KINDS.index("reply")) & (_draw(stream, len(which)) < self.platform.mentioned)

        posted = np.full(len(author), KINDS.index(POST))
        mentioned = np.full(np.count_nonzero(named), KINDS.index("mention"))
        return Acts(
            kind=np.concatenate([posted, kind, mentioned]),
            actor=np.concatenate([author, fan, fan[named]]),
            target=np.concatenate([author, author[which], author[which[named]]]),
            post=np.concatenate([post, post[which], post[which[named]]]),
            act=np.concatenate([np.zeros_like(author), number, number[named]]),
            at_us=_time_of_day(np.concatenate([quantile, later, later[named]])),
        )

    def _post_count(self, accounts: Ints, day: date, stream: np.random.Philox) -> Ints:
        """Heavy-tailed twice: some people post much more than others, and on some days more than on others. Nearly a
        third never post."""
        industry = np.maximum(_lomax(_unit(_hash(accounts, self._industry))) - 0.2, 0)
        rhythm = self.platform.weekend if day.isoweekday() > 5 else 1.0
        count = POSTS * rhythm * industry * (1 + _lomax(_draw(stream, len(accounts))))
        return np.minimum(count, MAX_POSTS).astype(np.int64)

    def _famed(self, accounts: Ints) -> Floats:
        """Lasting fame, heavy-tailed, mean 1."""
        return _lomax(_unit(_hash(accounts, self._fame)))

    def _audience(self, accounts: Ints, day: date) -> Floats:
        """Fame on the day: within `FASHION_DAYS` it falls to nothing and rises to twice, for each at another time."""
        turn = (day.toordinal() / FASHION_DAYS + _unit(_hash(accounts, self._phase))) % 1.0
        return self._famed(accounts) * 2 * np.abs(2 * turn - 1)

    def _fans(self, accounts: Ints) -> Ints:
        """How many follow each account: its friends, and strangers in proportion to its fame."""
        strangers = (STRANGERS_PER_FAME * self._famed(accounts)).astype(np.int64)
        return np.minimum(FRIENDS + strangers, max(self.size - 1, 0))

    def _some_fan(self, accounts: Ints, luck: Floats) -> tuple[Ints, Floats]:
        """One of each account's fans, the first the likeliest, and how likely that fan is to act on what it sees.

        Fan `r` is the same account every day. A friend is the reflection of the account's place in its community, so
        friend `r` of one's friend `r` is oneself. Strangers come from any community, mostly from its most active.
        """
        rank = (luck**2 * self._fans(accounts)).astype(np.int64)
        community, place = np.divmod(accounts, COMMUNITY)
        friend = rank < FRIENDS
        word = _hash(np.where(friend, community, accounts) * (1 << 32) + rank, self._fan)
        high, low = (word >> 32).astype(np.int64), _unit(word << np.uint64(32))

        community = np.where(friend, community, high * -(-self.size // COMMUNITY) >> 32)
        members = np.minimum(self.size - community * COMMUNITY, COMMUNITY)
        mirror = (low * members).astype(np.int64) - place
        place = np.where(friend, mirror + (mirror < 0) * members, (low**2 * members).astype(np.int64))
        return community * COMMUNITY + place, _ACTS_ON[place]


def _eagerness() -> Floats:
    """By place in the community, how likely an account acts on what it sees. The last only read."""
    place = np.arange(COMMUNITY)
    return np.where(place < COMMUNITY - READERS, 1 / (1 + place / EAGERNESS), 0.0)


def _slot_starts() -> Ints:
    """Microsecond of the day at which each of the `SLOTS` equally busy parts begins, and the end of the last."""
    done = np.cumsum([0, *HOURLY]) * SLOTS  # in 1 / SLOTS of an hourly weight, so that all is whole numbers
    wanted = np.arange(SLOTS + 1) * sum(HOURLY)
    hour = np.minimum(np.searchsorted(done, wanted, side="right") - 1, len(HOURLY) - 1)
    return hour * HOUR_US + (wanted - done[hour]) * HOUR_US // (np.array(HOURLY)[hour] * SLOTS)


_ACTS_ON = _eagerness()
_STARTS = _slot_starts()


def _time_of_day(quantile: Floats) -> Ints:
    """Share of the day's acts that lie before -> microsecond of the day."""
    slot = np.minimum((quantile * SLOTS).astype(np.int64), SLOTS - 1)
    start = _STARTS[slot]
    return start + ((quantile * SLOTS - slot) * (_STARTS[slot + 1] - start)).astype(np.int64)


def _hash(numbers: Ints, salt: int) -> Words:
    """SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): one random word for each number, by itself."""
    word = (numbers.astype(np.uint64) + np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def _unit(words: Words) -> Floats:
    """Above 0 and below 1, never either: 52 bits and a half."""
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _draw(stream: np.random.Philox, count: int) -> Floats:
    return _unit(stream.random_raw(count))


def _lomax(unit: Floats) -> Floats:
    """Pareto's law of index 2, from 0: mean 1, one in a hundred is above 9, one in a million above 999."""
    return 1 / np.sqrt(unit) - 1


def _numbers_within(groups: Ints) -> Ints:
    """0, 1, 2 ... within each run of equal values."""
    index = np.arange(len(groups))
    starts = np.append(True, groups[1:] != groups[:-1])[: len(groups)]
    return index - np.maximum.accumulate(np.where(starts, index, 0)) if len(groups) else index
