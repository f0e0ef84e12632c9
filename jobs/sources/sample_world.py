"""The simulated platforms: their accounts, who follows whom, and their acts of a day. Numbers only, computed by NumPy.

Nothing is stored, and no day depends on an earlier one. An account's lasting traits (fame, fans, temper) are a hash of its
number, so any account can be computed alone. A day's acts are drawn from a stream keyed by (seed, platform, day, block of
authors). So memory depends on the block size, not on the number of people or days.

The output is identical on every machine. Only raw integers of Philox are drawn: NumPy keeps those stable, unlike its
distributions. They go only through + - * / and the square root, which IEEE 754 rounds the same everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jobs.sources.page import DAY_US
from schemas.kinds import KINDS, POST

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One simulated platform. Percentages are whole numbers, so sizes are the same on every machine."""

    name: str
    people_percent: int
    weekend: float  # posts on a Saturday or Sunday, as a multiple of a working day's
    kind_percent: Mapping[str, int]  # per cent of the acts on a post, by kind
    mentioned: float  # share of replies also reported as a mention of the same act


PLATFORMS = (
    Platform(
        name="sample-birdsong",  # microblog: quieter at weekends; every second reply also mentions the author
        people_percent=60,
        weekend=0.8,
        kind_percent={"like": 52, "reshare": 16, "reply": 16, "mention": 6, "follow": 6, "quote": 4},
        mentioned=0.5,
    ),
    Platform(
        name="sample-forum",  # discussion forum: used in spare time
        people_percent=25,
        weekend=1.3,
        kind_percent={"like": 58, "reply": 42},
        mentioned=0.0,
    ),
    Platform(
        name="sample-workshop",  # code hosting (a like is a star, a reshare a fork): used at work
        people_percent=15,
        weekend=0.4,
        kind_percent={"like": 60, "reshare": 10, "reply": 30},
        mentioned=0.0,
    ),
)

# Whole communities, so most acts stay within a block. A page holds some 120,000 acts and takes about 100 MB to build.
BLOCK_ACCOUNTS = 65_536
COMMUNITY = 128  # people who know each other, near Dunbar's 150; divides a block
FRIENDS = 24  # an account's first fans are friends: from its community, with a mutual tie
STRANGERS_PER_FAME = 30  # fans beyond friends at fame 1, the mean
READERS = 26  # the last of a community's 128 members, who never act on content
EAGERNESS = 24  # place in the community whose member acts half as often as the first
BOTS = 0.03  # share of accounts that declare themselves automated

POSTS = 0.55  # scale of posts per day; gives about 0.4 per person
MAX_POSTS = 50  # per day and account
REACH = 0.2  # scale of the share of fans who see a post: a sixth of them see it, and three in ten of these act
MAX_SEEN = 9_999  # per post: keeps pages small and act numbers within four digits
FASHION_DAYS = 90  # period in which attention rises and falls, so scores change over time

HOUR_US = DAY_US // 24
# Relative acts per hour of the day in UTC: a deep trough at night, a peak at noon, a higher one in the evening.
HOURLY = (12, 7, 4, 3, 3, 5, 10, 20, 32, 40, 44, 48, 52, 50, 46, 44, 46, 50, 56, 62, 64, 56, 40, 24)
SLOTS = 4096  # equally busy parts of the day: 11 s in the evening, 4 min at night


class Acts(NamedTuple):
    """Acts of a day on the posts of one block of authors, posts included, in parallel columns."""

    kind: Ints  # index in `schemas.kinds.KINDS`
    actor: Ints
    target: Ints  # author of the post acted on
    post: Ints  # number among the author's posts of the day, from 0
    act: Ints  # number among those who saw the post, from 1; 0 for the post itself
    at_us: Ints  # since the day began


class Profiles(NamedTuple):
    """Profiles of accounts, in parallel columns. They are the same every day."""

    account: Ints
    followers: Ints
    following: Ints
    age: Floats  # 0 (the first account created) to 1 (the last)
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
        """The random stream of a day and block. Day 0, before the calendar, is for lasting traits."""
        where = PLATFORMS.index(self.platform) << 56 | day << 32 | block
        return np.random.Philox(key=np.array([self._seed, where], dtype=np.uint64))

    def blocks(self) -> range:
        """The first account of each block. There is at least one block, so an empty platform yields a page too."""
        return range(0, max(self.size, 1), BLOCK_ACCOUNTS)

    def profiles(self, accounts: Ints) -> Profiles:
        """Computes the profiles of these accounts, given by number."""
        age = self._trait(accounts, self._age)
        return Profiles(
            account=accounts,
            followers=self._fan_count(accounts),
            following=(FRIENDS * (1 + _lomax(age))).astype(np.int64),
            age=age,
            is_bot=self._trait(accounts, self._bot) < BOTS,
        )

    def acts(self, day: date, first: int) -> Acts:
        """The posts of the block's authors on the day, and the acts on them on the same day."""
        stream = self._stream(day.toordinal(), first // BLOCK_ACCOUNTS)
        accounts = np.arange(first, min(first + BLOCK_ACCOUNTS, self.size))
        owner, post = _numbered(self._post_counts(accounts, day, stream))
        author = accounts[owner]
        quantile = np.square(_draw(stream, len(author)))  # early, so posts and the acts after them fill the day evenly

        which, number = _numbered(self._seen_counts(author, day, stream))
        fan, readiness = self._some_fan(author[which], _draw(stream, len(which)))
        acting = (_draw(stream, len(which)) < readiness) & (fan != author[which])
        which, number, fan = which[acting], number[acting] + 1, fan[acting]
        start = quantile[which]
        later = start + (1 - start) * np.square(_draw(stream, len(which)))  # most acts follow the post soon
        kind = self._kind_of_percent[(100 * _draw(stream, len(which))).astype(np.int64)]
        named = (kind == KINDS.index("reply")) & (_draw(stream, len(which)) < self.platform.mentioned)

        posted = np.full(len(author), KINDS.index(POST))
        mentioned = np.full(np.count_nonzero(named), KINDS.index("mention"))
        source = np.concatenate([np.arange(len(author)), which, which[named]])
        return Acts(
            kind=np.concatenate([posted, kind, mentioned]),
            actor=np.concatenate([author, fan, fan[named]]),
            target=author[source],
            post=post[source],
            act=np.concatenate([np.zeros_like(author), number, number[named]]),
            at_us=_time_of_day(np.concatenate([quantile, later, later[named]])),
        )

    def _trait(self, accounts: Ints, salt: np.uint64) -> Floats:
        """A lasting trait of each account, uniform from 0 to 1."""
        return _unit(_hash(accounts, salt))

    def _post_counts(self, accounts: Ints, day: date, stream: np.random.Philox) -> Ints:
        """Posts per account. Heavy-tailed twice: some people post much more than others, and more on some days. Three in ten
        never post."""
        industry = np.maximum(_lomax(self._trait(accounts, self._industry)) - 0.2, 0)
        rhythm = self.platform.weekend if day.isoweekday() > 5 else 1.0
        mean = POSTS * rhythm * industry * _lomax(_draw(stream, len(accounts)))
        return np.minimum(mean + _draw(stream, len(accounts)), MAX_POSTS).astype(np.int64)

    def _seen_counts(self, author: Ints, day: date, stream: np.random.Philox) -> Ints:
        """The number of fans who see each post: often none, at most all fans."""
        fans = self._fan_count(author)
        seen = REACH * fans * self._fashion(author, day) * _lomax(_draw(stream, len(author)))
        return np.minimum(seen, np.minimum(fans, MAX_SEEN)).astype(np.int64)

    def _fashion(self, accounts: Ints, day: date) -> Floats:
        """A factor from 0 to 2, mean 1: a wave of `FASHION_DAYS`, with another phase for each account."""
        turn = (day.toordinal() / FASHION_DAYS + self._trait(accounts, self._phase)) % 1.0
        return 2 * np.abs(2 * turn - 1)

    def _fan_count(self, accounts: Ints) -> Ints:
        """Friends, and strangers in proportion to the account's fame, which is heavy-tailed."""
        strangers = STRANGERS_PER_FAME * _lomax(self._trait(accounts, self._fame))
        return np.minimum(FRIENDS + strangers, max(self.size - 1, 0)).astype(np.int64)

    def _some_fan(self, accounts: Ints, luck: Floats) -> tuple[Ints, Floats]:
        """One fan of each account (the first is the likeliest), and the probability that this fan acts on a post that it sees.

        Fan `r` of an account is the same every day. A friend is the mirror image of the account's place in its community, so
        friendship is mutual: friend `r` of an account's friend `r` is the account itself. If the mirror image is the account's
        own place, the fan is the account itself, and the caller drops it. Strangers come from any community, mostly from its
        most active members.
        """
        rank = (luck * luck * luck * self._fan_count(accounts)).astype(np.int64)
        is_friend = rank < FRIENDS
        community, place = np.divmod(accounts, COMMUNITY)
        word = _hash(np.where(is_friend, community, accounts) * (1 << 32) + rank, self._fan)
        somewhere = (word >> np.uint64(32)).astype(np.int64) * -(-self.size // COMMUNITY) >> 32
        community = np.where(is_friend, community, somewhere)
        members = np.minimum(self.size - community * COMMUNITY, COMMUNITY)
        within = _unit(word << np.uint64(32))
        mirrored = (within * members).astype(np.int64) - place
        active = (np.square(within) * members).astype(np.int64)
        place = np.where(is_friend, mirrored + (mirrored < 0) * members, active)
        return community * COMMUNITY + place, _READINESS[place]


def _slot_starts() -> Ints:
    """Microsecond of the day at which each of the `SLOTS` equally busy parts begins, and at which the last ends."""
    done = np.cumsum([0, *HOURLY]) * SLOTS  # in 1 / SLOTS of an hourly weight, so all numbers are whole
    wanted = np.arange(SLOTS + 1) * sum(HOURLY)
    hour = np.minimum(np.searchsorted(done, wanted, side="right") - 1, len(HOURLY) - 1)
    return hour * HOUR_US + (wanted - done[hour]) * HOUR_US // (np.array(HOURLY)[hour] * SLOTS)


# Probability that an account acts on what it sees, by its place in the community.
_READINESS = np.where(np.arange(COMMUNITY) < COMMUNITY - READERS, 1 / (1 + np.arange(COMMUNITY) / EAGERNESS), 0.0)
_STARTS = _slot_starts()


def _time_of_day(quantile: Floats) -> Ints:
    """Share of the day's acts before an instant -> microsecond of the day."""
    quantile = np.minimum(quantile, 1 - 2.0**-53)  # rounding may have given 1, which is the next day
    slot = (quantile * SLOTS).astype(np.int64)
    start = _STARTS[slot]
    return start + ((quantile * SLOTS - slot) * (_STARTS[slot + 1] - start)).astype(np.int64)


def _hash(numbers: Ints, salt: np.uint64) -> Words:
    """SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): one random word per number, independent of the others."""
    word = (numbers.astype(np.uint64) + salt) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def _unit(words: Words) -> Floats:
    """Strictly between 0 and 1: 52 random bits, plus half of the last."""
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _draw(stream: np.random.Philox, count: int) -> Floats:
    return _unit(stream.random_raw(count))


def _lomax(unit: Floats) -> Floats:
    """A Pareto distribution of index 2, shifted to start at 0: mean 1, one in a hundred above 9, one in a million above 999."""
    return 1 / np.sqrt(unit) - 1


def _numbered(counts: Ints) -> tuple[Ints, Ints]:
    """Given the number of things per owner: each thing's owner, and its number among the owner's things, from 0."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]
