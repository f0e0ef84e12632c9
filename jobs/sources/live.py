"""What all live sources share: their settings, and the pull of a day from requests through recordings to pages.

A subclass declares its platform, what it can be asked (`ASK`), its default budget and its parser, and records one day at a
time. Units that answer one after the other are recorded by `jobs.sources.roster`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

from jobs.sources import connections, population, recording
from jobs.sources.lines import Parse
from jobs.sources.page import Note, Page, Record
from jobs.sources.population import Member, Population
from jobs.sources.settings import Ask, Members, Settings
from schemas.coverage import EVERYONE, POPULATION

UNFINISHED = "the platform did not have the whole day yet; pull again"


class LiveSource:
    """A platform through its API. `requests` counts the requests of each pulled day."""

    PLATFORM: ClassVar[str]
    ASK: ClassVar[type[Ask]]
    REQUESTS: ClassVar[int]
    MINUTES: ClassVar[float]
    SECRET: ClassVar[str] = "a token"  # what the connection holds
    scope = EVERYONE

    def __init__(self, settings: Settings) -> None:
        self.id = settings.id
        self.settings = settings
        self.ask: Any = self.ASK.model_validate(settings.ask)
        limits = settings.limits
        self.budget = settings.budget(limits.requests or self.REQUESTS, limits.minutes or self.MINUTES)
        self.platforms: Sequence[str] = (self.PLATFORM,)
        self.requests: dict[date, int] = {}

    @staticmethod
    def parse(line: bytes) -> Sequence[Record]:
        """One recorded line -> its records. Raises `Rejected`."""
        raise NotImplementedError

    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests what the day's recordings in `folder` lack. Returns notes on what stays missing."""
        raise NotImplementedError

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Records what these days lack, and yields the pages of each day."""
        for number in range((last_day - first_day).days + 1):
            day = first_day + timedelta(days=number)
            folder = self.folder(day)
            before = self.budget.used
            notes = [note._replace(day=day) for note in self._recorded(day, folder)]
            self.requests[day] = self.budget.used - before
            yield from recording.parsed(folder, self.platforms[0], self.parser(folder), notes)

    def _recorded(self, day: date, folder: Path) -> list[Note]:
        """The notes of `record`. A day that the platform still has more of is partial, whatever this machine's clock says."""
        notes = self.record(day, folder)
        if any(note.partial for note in notes) or recording.is_done(folder):
            return notes
        return [*notes, Note(UNFINISHED, partial=True)]

    def parser(self, folder: Path) -> Parse:
        """The parser of a day's recordings in `folder`."""
        return self.parse

    def folder(self, day: date) -> Path:
        """The folder of the day's recordings."""
        return recording.day_folder(self.settings.landing, self.id, day)

    @property
    def secret(self) -> str:
        """The secret of the source's connection. Raises `UsageError` if it is not set."""
        return connections.required(self.connection, self.SECRET)

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

    def population(self, day: date, folder: Path, members: Iterable[Member]) -> Population:
        """The population of the day, as the day's first pull kept it. The source's `scope` becomes `population`."""
        self.scope = POPULATION
        return population.of_day(folder, day, members)

    def fingerprint(self, day: date) -> str | None:
        """The fingerprint of the population with which the day was pulled; None without one."""
        return population.fingerprint(self.folder(day))
