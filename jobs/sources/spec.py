"""`--source [ID:]TYPE[@PLATFORM]=WHERE` -> sources."""

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.days import end_of
from jobs.errors import UsageError
from jobs.sources.types import TYPES
from schemas.kinds import SIMULATED_PREFIX, is_simulated

if TYPE_CHECKING:  # the models load pydantic, and a command that only reads scores need not wait for it
    from jobs.sources.live.settings import Ask, Limits
    from jobs.sources.page import Source

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """What an entry of `sources.yaml` says of a live source beyond its `--source` value. `ask` replaces the places; `folder` is
    the folder of `sources.yaml`."""

    ask: Mapping[str, Any] | None = None
    connection: str = ""
    budget: "Limits | None" = None
    revisit_days: int = 1
    terms: str | None = None
    folder: Path = Path()


@dataclass(frozen=True)
class SourceSpec:
    """One source: its ID, its type, its places, and its platform if neither the type nor the ID determines it. One pull reads
    all places. `options` are those of its entry in `sources.yaml`, None for a `--source` value."""

    id: str
    type: str
    places: tuple[str, ...]
    platform: str | None = None
    options: LiveOptions | None = field(default=None, hash=False)

    def open(self, landing: Path) -> "Source":
        """Creates the source; a live one records below `landing`. Raises `UsageError` if a place cannot be read, if the
        platform's terms forbid its use, or if the platform of real people has a name of the simulation's."""
        source = self._opened(landing)
        if self.type != "sample" and is_simulated(source.platforms[0]):
            raise UsageError(
                f"{source.platforms[0]}: is the platform's name, and `{SIMULATED_PREFIX}` begins simulated ones"
            )
        return source

    def _opened(self, landing: Path) -> "Source":
        kind = TYPES[self.type]
        made = class_of(self.type)
        if not kind.live:
            return made(self.id, self.places, self.platform) if self.platform else made(self.id, self.places)
        from jobs.night_settings import nights
        from jobs.sources.live.settings import Limits, Settings

        options = self.options or LiveOptions()
        if kind.terms and not options.terms:
            raise UsageError(
                f"{self.id}: {kind.terms}; with an agreement, name it as `terms` of an entry in sources.yaml"
            )
        return made(
            Settings(
                id=self.id,
                landing=landing,
                ask=made.ASK.of_places(self.places) if options.ask is None else options.ask,
                connection=options.connection,
                secret=kind.secret or "",
                limits=options.budget or Limits(),
                revisit_days=options.revisit_days,
                withdraw_days=nights().withdraw_days,
                folder=options.folder,
            )
        )

    def forget(self, landing: Path, day: date) -> None:
        """Removes the day's recording, so that the next pull requests the day again, but keeps lists without times, which could
        not be observed again. Raises `UsageError` if the source's type records nothing, or if its platform cannot be asked
        about past days."""
        if not TYPES[self.type].live:
            raise UsageError(f"--again: {self.id} reads files, and every pull reads them anew; leave --again out")
        if not TYPES[self.type].past:
            raise UsageError(f"--again: {self.type} cannot be asked about the past; the recording of {day} is kept")
        from jobs.sources.live import recording, snapshots

        for path in recording.day_folder(landing, self.id, day).glob("*"):
            if not snapshots.is_kept(path):
                path.unlink()

    @property
    def connection(self) -> str | None:
        """The name of the source's connection; None if its type has no use for one."""
        if not TYPES[self.type].secret:
            return None
        return (self.options and self.options.connection) or self.id

    @property
    def minutes(self) -> float | None:
        """The minutes that one pull may take; None for a source that reads files."""
        if not TYPES[self.type].live:
            return None
        limits = self.options and self.options.budget
        return (limits and limits.minutes) or class_of(self.type).MINUTES

    def answers_about(self, day: date, now: datetime) -> bool:
        """Whether a pull at `now` can still bring data of the day."""
        kind = TYPES[self.type]
        return not kind.live or kind.past or now < end_of(day) + timedelta(hours=kind.memory_hours)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The `--source` values of this source; its ID alone if its entry in `sources.yaml` says more than such values can."""
        if self.options:
            return (self.id,)
        at = f"@{self.platform}" if self.platform else ""
        return tuple(f"{self.id}:{self.type}{at}={place}" for place in self.places)


def class_of(name: str) -> Any:
    """The class that implements a type of sources; imports its module."""
    module, _, attribute = TYPES[name].path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def ask_of(name: str) -> "type[Ask]":
    """The model of what a live type can be asked."""
    return class_of(name).ASK


def is_id(text: str) -> bool:
    """Whether the text may be the ID of a source or the name of a platform."""
    return bool(_ID.fullmatch(text))


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
        kind = TYPES[source_type]
        if not is_id(source_id):
            raise UsageError(f"--source {value}: an ID is lower-case letters, digits, `_`, `.` and `-`, at most 64")
        if at and not kind.any_platform:
            raise UsageError(f"--source {value}: {source_type!r} reads one platform only; leave `@{platform}` out")
        if at and not is_id(platform):
            raise UsageError(
                f"--source {value}: a platform is lower-case letters, digits, `_`, `.` and `-`, at most 64"
            )
        if not place and kind.placed:
            raise UsageError(
                f"--source {value}: say {'what to ask' if kind.live else 'where it is'}, as {name}={kind.where}"
            )
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
