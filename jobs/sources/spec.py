"""`--source [ID:]TYPE[@PLATFORM]=WHERE` and `infra/sources.yaml` -> sources."""

import importlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from jobs import yaml_file
from jobs.errors import UsageError

if TYPE_CHECKING:
    from jobs.sources.page import Source

# Modules are imported on first use: a pull of one archive needs no client of another platform.
TYPES = {
    "higgs": "jobs.sources.higgs:HiggsSource",
    "gharchive": "jobs.sources.gharchive:GHArchiveSource",
    "jetstream": "jobs.sources.jetstream:JetstreamSource",
    "reddit": "jobs.sources.reddit:RedditSource",
    "activitystreams": "jobs.sources.activitystreams:ActivityStreamsSource",
    "bluesky": "jobs.sources.bluesky:BlueskySource",
    "hackernews": "jobs.sources.hackernews:HackerNewsSource",
    "sample": "jobs.sources.sample:SampleSource",
}
ANY_PLATFORM = ("activitystreams",)  # types for any platform, named by `@PLATFORM` or else by the ID
LIVE = ("bluesky", "hackernews")  # types that ask a platform's API and record its answers
ANSWER_ABOUT_THE_PAST = ("hackernews",)  # live types whose platform can still be asked about past days
WITHOUT_PLACE = ("sample", "gharchive", *LIVE)
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class SourceSpec:
    """One source: its ID, its type, its places, and its platform if neither the type nor the ID determines it. One pull reads
    all places."""

    id: str
    type: str
    places: tuple[str, ...]
    platform: str | None = None

    def open(self, landing: Path) -> "Source":
        """Creates the source; a live one records below `landing`. Raises `UsageError` if a place cannot be read."""
        module, name = TYPES[self.type].split(":")
        made = getattr(importlib.import_module(module), name)
        if self.type in LIVE:
            return made(self.id, self.places, landing)
        return made(self.id, self.places, self.platform) if self.platform else made(self.id, self.places)

    def forget(self, landing: Path, day: date) -> None:
        """Removes the day's recording, so that the next pull requests the day again. Raises `UsageError` if the source's type
        records nothing, or if its platform cannot be asked about past days."""
        if self.type not in LIVE:
            raise UsageError(f"--again: {self.id} reads files, and every pull reads them anew; leave --again out")
        if self.type not in ANSWER_ABOUT_THE_PAST:
            raise UsageError(f"--again: {self.type} cannot be asked about the past; the recording of {day} is kept")
        from jobs.sources import recording

        shutil.rmtree(recording.day_folder(landing, self.id, day), ignore_errors=True)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The `--source` values of this source."""
        at = f"@{self.platform}" if self.platform else ""
        return tuple(f"{self.id}:{self.type}{at}={place}" for place in self.places)


def parse_specs(values: Sequence[str]) -> tuple[SourceSpec, ...]:
    """The sources of `--source` values, in order of first mention. Values with the same ID are several places of one source.
    Raises `UsageError` if a value is malformed, of an unknown type, or contradicts another."""
    found: dict[str, SourceSpec] = {}
    for value in values:
        name, _, place = value.partition("=")
        source_id, colon, source_type = name.partition(":")
        source_type, at, platform = (source_type if colon else source_id).partition("@")
        source_id = source_id if colon else source_type
        if source_type not in TYPES:
            raise UsageError(
                f"--source {value}: unknown type {source_type!r}; use [ID:]TYPE=WHERE with one of {', '.join(TYPES)}"
            )
        if not _ID.fullmatch(source_id):
            raise UsageError(f"--source {value}: an ID is lower-case letters, digits, `_`, `.` and `-`, at most 64")
        if at and source_type not in ANY_PLATFORM:
            raise UsageError(f"--source {value}: {source_type!r} reads one platform only; leave `@{platform}` out")
        if at and not _ID.fullmatch(platform):
            raise UsageError(
                f"--source {value}: a platform is lower-case letters, digits, `_`, `.` and `-`, at most 64"
            )
        if not place and source_type not in WITHOUT_PLACE:
            raise UsageError(f"--source {value}: say where it is, as {name}=PATH")
        before = found.get(source_id, SourceSpec(source_id, source_type, (), platform or None))
        if before.type != source_type:
            raise UsageError(f"--source {value}: ID {source_id!r} is already a source of type {before.type!r}")
        if before.platform != (platform or None):
            raise UsageError(
                f"--source {value}: ID {source_id!r} is already of platform {before.platform or source_id!r}"
            )
        if place in before.places:
            raise UsageError(f"--source {value}: given twice")
        found[source_id] = replace(before, places=(*before.places, place))
    return tuple(found.values())


class Entry(BaseModel):
    """An entry of `sources.yaml`: a `--source` value, its platform (as `@PLATFORM` in that value), and its first and last UTC
    day, both included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    platform: str | None = None
    enabled: bool = True
    first_day: date | None = Field(None, alias="from")
    last_day: date | None = Field(None, alias="to")

    @field_validator("source")
    @classmethod
    def _is_a_source(cls, value: str) -> str:
        try:
            parse_specs([value])
        except UsageError as error:
            raise ValueError(str(error).removeprefix(f"--source {value}: ")) from error
        return value

    @field_validator("platform")
    @classmethod
    def _is_a_platform(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and "source" in info.data:
            name = info.data["source"].partition("=")[0]
            if "@" in name:
                raise ValueError("is already named by `source`")
            cls._is_a_source(with_platform(info.data["source"], value))
        return value

    @field_validator("last_day")
    @classmethod
    def _ascends(cls, value: date | None, info: ValidationInfo) -> date | None:
        first_day = info.data.get("first_day")
        if value and first_day and value < first_day:
            raise ValueError(f"must not lie before `from`, {first_day}")
        return value

    @property
    def value(self) -> str:
        """The `--source` value."""
        return with_platform(self.source, self.platform) if self.platform else self.source

    def has(self, day: date) -> bool:
        """Whether the entry has this day; a missing first or last day sets no bound."""
        return (self.first_day or day) <= day <= (self.last_day or day)

    def __str__(self) -> str:
        """For example `gharchive= (from 2011-02-12)`."""
        ends = [f"{name} {day}" for name, day in (("from", self.first_day), ("to", self.last_day)) if day]
        return f"{self.value} ({' '.join(ends)})" if ends else self.value


def with_platform(value: str, platform: str) -> str:
    """The `--source` value with this platform added."""
    name, equals, place = value.partition("=")
    return f"{name}@{platform}{equals}{place}"


def enabled_entries(path: Path) -> list[Entry]:
    """The enabled entries of a `sources.yaml`. Raises `UsageError`, which names every fault with file, entry and field."""
    entries = yaml_file.read(path, list[Entry], "a list of sources, each `source: [ID:]TYPE=WHERE`")
    return [entry for entry in entries if entry.enabled]


def enabled_sources(path: Path, day: date | None = None) -> tuple[SourceSpec, ...]:
    """The enabled sources of a `sources.yaml`. With a day, only entries that have this day. Raises `UsageError` like
    `enabled_entries`, and if two entries contradict each other."""
    entries = enabled_entries(path)
    try:
        parse_specs([entry.value for entry in entries])
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    return parse_specs([entry.value for entry in entries if day is None or entry.has(day)])


def are_simulated(specs: Sequence[SourceSpec]) -> bool:
    """Whether these sources are the simulation, which has its own warehouse. Raises `UsageError` if there are none, or if
    simulated and real ones are mixed."""
    simulated = {spec.type == "sample" for spec in specs}
    if len(simulated) != 1:
        raise UsageError(
            "the simulation and real platforms are never mixed; give one or the other"
            if simulated
            else "no source is enabled"
        )
    return simulated.pop()
