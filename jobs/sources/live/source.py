"""What all live sources share: their settings, and the pull of a day from requests through recordings to pages.

A subclass declares its platform, what it can be asked (`ASK`), its default budget and its parser, and records one day at a
time. Units that answer one after the other are recorded by `jobs.sources.live.roster`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from jobs.codes import EVERYWHERE, Seen
from jobs.days import days_between
from jobs.sources import suppressed_recordings
from jobs.sources.lines import Parse
from jobs.sources.live import connections, population, profiles, recording, withdrawals
from jobs.sources.live.population import Member, Population
from jobs.sources.live.settings import Ask, Members, Settings
from jobs.sources.live.snapshots import end_of
from jobs.sources.live.withdrawals import Withdrawals
from jobs.sources.page import Note, Page, Record
from jobs.warehouse.suppression import Suppressed
from schemas.coverage import EVERYONE, POPULATION

UNFINISHED = "the platform did not have the whole day yet; pull again"


class Need(NamedTuple):
    """What a day of a population usually needs at most."""

    members: int
    requests: int
    minutes: float


class LiveSource(ABC):
    """A platform through its API. `REQUESTS` and `MINUTES` are its default budget, `A_MEMBER` the requests that a day of one
    member usually takes at most, 0 if the type knows no population or no such figure. `requests` counts the requests of each
    pulled day."""

    PLATFORM: ClassVar[str]
    ASK: ClassVar[type[Ask]]
    REQUESTS: ClassVar[int]
    MINUTES: ClassVar[float]
    A_MEMBER: ClassVar[int] = 0
    scope = EVERYONE

    def __init__(self, settings: Settings) -> None:
        self.id = settings.id
        self.settings = settings
        self.ask: Any = self.ASK.model_validate(settings.ask)
        limits = settings.limits
        self.budget = settings.budget(limits.requests or self.REQUESTS, limits.minutes or self.MINUTES)
        self.platforms: Sequence[str] = (self.PLATFORM,)
        self.requests: dict[date, int] = {}
        self.left = Suppressed()  # people who are never asked about, and of whom nothing is recorded
        self.seeks_codes = False  # whether to look for codes of consent in profiles

    @staticmethod
    @abstractmethod
    def parse(line: bytes) -> Sequence[Record]:
        """One recorded line -> its records. Raises `Rejected`."""

    @abstractmethod
    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests what the day's recordings in `folder` lack. Returns notes on what stays missing."""

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Records what these days lack, then yields the pages of each day and what later recorded days take back of that
        day."""
        days = days_between(first_day, last_day)
        notes = {day: self._recorded(day) for day in days}
        for day in days:
            yield from recording.parsed(self.folder(day), self.platforms[0], self.parser(day), notes[day])
            for later in self.later(day):
                if acts := self.withdrawals(later).acts:
                    yield withdrawals.page(self.platforms[0], str(self.folder(later)), acts)

    def _recorded(self, day: date) -> list[Note]:
        """The notes of `record`. If the platform still has more of the day, the day is partial, whatever this machine's clock
        says."""
        folder = self.folder(day)
        before = self.budget.used
        notes = self.record(day, folder)
        self.requests[day] = self.budget.used - before
        if self.left:
            suppressed_recordings.rewrite(folder, self.platforms[0], self.left)
        if not any(note.partial for note in notes) and not recording.is_done(folder):
            notes = [*notes, Note(UNFINISHED, partial=True)]
        return [note._replace(day=day) for note in notes]

    def later(self, day: date) -> list[date]:
        """The recorded days, ascending, of the `withdraw_days` after a day."""
        days = (day + timedelta(days=number + 1) for number in range(self.settings.withdraw_days))
        return [each for each in days if self.folder(each).exists()]

    def withdrawals(self, day: date) -> Withdrawals:
        """The acts, of any day, that the day's recording takes back."""
        return withdrawals.of_population(self.folder(day))

    def profiles(self, day: date) -> Iterator[Seen]:
        """What the day's recording shows of consent: the codes of profiles, and accounts that are deleted."""
        yield from profiles.kept(self.folder(day))
        for account in sorted(self.withdrawals(day).accounts):
            yield Seen(account, EVERYWHERE, {}, end_of(day) - 1)

    def parser(self, day: date) -> Parse:
        """The parser of a day's recordings. It ignores the acts of accounts that are deleted by the recording of the day or of
        one of the `withdraw_days` after it."""
        deleted = frozenset[str]().union(*(self.withdrawals(each).accounts for each in (day, *self.later(day))))
        return withdrawals.without(self.parse, deleted) if deleted else self.parse

    def folder(self, day: date) -> Path:
        """The folder of the day's recordings."""
        return recording.day_folder(self.settings.landing, self.id, day)

    @property
    def secret(self) -> str:
        """The secret of the source's connection. Raises `UsageError` if it is not set."""
        return connections.required(self.connection, self.settings.secret)

    @property
    def optional_secret(self) -> str | None:
        """The secret of the source's connection; None if it is not set."""
        return connections.secret(self.connection)

    @property
    def connection(self) -> str:
        """The name of the source's connection; its ID unless its entry names another."""
        return self.settings.connection or self.id

    def members(self, asked: Members) -> tuple[Member, ...]:
        """The members of a population of `ask`. Raises `UsageError` if its file is malformed."""
        if isinstance(asked, str):
            return population.read(self.settings.folder / asked)
        return tuple(Member(name) for name in dict.fromkeys(asked))

    def asked(self) -> Collection[Member]:
        """The population that the source asks about; empty if it asks about everybody."""
        return ()

    @property
    def pace(self) -> float:
        """The requests a minute that the platform lets through; one a second if it states no limit."""
        return 60

    def need(self, day: date) -> Need | None:
        """What a day of the population usually needs; None if that is not known."""
        members = sum(member.is_asked_on(day) for member in self.asked())
        requests = members * self.A_MEMBER
        return Need(members, requests, requests / self.pace) if requests else None

    def population(self, day: date, folder: Path) -> Population:
        """The population of the day, as the day's first pull kept it. The source's `scope` becomes `population`."""
        self.scope = POPULATION
        platform = self.platforms[0]
        asked = (member for member in self.asked() if self.left.id_without(platform, member.name) == member.name)
        return population.of_day(folder, day, asked)

    def fingerprint(self, day: date) -> str | None:
        """The fingerprint of the population with which the day was pulled; None without one."""
        return population.fingerprint(self.folder(day))
