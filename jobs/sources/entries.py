"""`sources.yaml` -> entries -> sources.

An entry is a `--source` value; or an ID with a `type` and what to `ask`. Every entry may limit its days, and an entry of a live
type may name its connection, budget and terms.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from jobs import yaml_file
from jobs.errors import UsageError
from jobs.sources.live.settings import Limits
from jobs.sources.spec import LiveOptions, SourceSpec, ask_of, is_id, parse_specs
from jobs.sources.types import TYPES
from schemas.faults import described

WHAT = "a list of sources, each `source: [ID:]TYPE=WHERE`, or `source: ID` with `type` and `ask`"


class Entry(BaseModel):
    """One entry. `from` and `to` are its first and last UTC day, both included. The fields from `type` on are for live types:
    `terms` names the agreement under which the platform allows the use, `revisit_days` the days for which likes are looked up
    again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str | None = None  # before the fields whose validators look at it
    source: str
    platform: str | None = None
    enabled: bool = True
    first_day: date | None = Field(default=None, alias="from")
    last_day: date | None = Field(default=None, alias="to")
    ask: dict[str, Any] | None = Field(default=None, validate_default=True)
    connection: str | None = None
    budget: Limits | None = None
    revisit_days: int | None = Field(default=None, ge=0, le=30)
    terms: str | None = Field(default=None, validate_default=True)

    @field_validator("type")
    @classmethod
    def _is_live(cls, value: str | None) -> str | None:
        live = [name for name, kind in TYPES.items() if kind.live]
        if value is not None and value not in live:
            raise ValueError(f"is none of {', '.join(live)}; write other types as `source: [ID:]TYPE=WHERE`")
        return value

    @field_validator("source")
    @classmethod
    def _is_a_source(cls, value: str, info: ValidationInfo) -> str:
        if "type" not in info.data:  # the fault of `type` itself is reported
            return value
        named = info.data["type"]
        if named is None:
            _parsed(value)
        elif not is_id(value) or value in TYPES:
            raise ValueError(
                "must be an ID beside `type`: lower-case letters, digits, `_`, `.` and `-`, at most 64, and no type's name;"
                f" for example {named}-live"
            )
        return value

    @field_validator("platform")
    @classmethod
    def _is_a_platform(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and "source" in info.data:
            if info.data.get("type"):
                raise ValueError("follows from `type`; leave it out")
            if "@" in info.data["source"].partition("=")[0]:
                raise ValueError("is already named by `source`")
            _parsed(_with_platform(info.data["source"], value))
        return value

    @field_validator("last_day")
    @classmethod
    def _ascends(cls, value: date | None, info: ValidationInfo) -> date | None:
        first_day = info.data.get("first_day")
        if value and first_day and value < first_day:
            raise ValueError(f"must not lie before `from`, {first_day}")
        return value

    @field_validator("ask")
    @classmethod
    def _can_be_asked(cls, value: dict[str, Any] | None, info: ValidationInfo) -> dict[str, Any] | None:
        if "type" not in info.data:
            return value
        named = info.data["type"]
        if named is None:
            if value is not None:
                raise ValueError("needs `type`, and an ID as `source`")
            return None
        try:
            ask_of(named).model_validate(value or {}, strict=True)
        except ValidationError as error:
            raise ValueError(f"of {named}: {described(error)}") from error
        return value

    @field_validator("connection")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not is_id(value):  # a secret rarely has the form of a name
            raise ValueError("is the name of a connection: lower-case letters, digits, `_`, `.` and `-`, at most 64")
        return value

    @field_validator("connection", "budget", "revisit_days", "terms")
    @classmethod
    def _is_of_a_live_source(cls, value: Any, info: ValidationInfo) -> Any:
        named = _type_of(info)
        if value is not None and named and not TYPES[named].live:
            raise ValueError(f"is for live sources, which {named!r} is not")
        return value

    @field_validator("terms")
    @classmethod
    def _names_an_agreement(cls, value: str | None, info: ValidationInfo) -> str | None:
        named = _type_of(info)
        if named and TYPES[named].terms and info.data.get("enabled") and not (value or "").strip():
            raise ValueError(f"{TYPES[named].terms}; with an agreement, say here which, by whom and since when")
        return value

    @property
    def _has_options(self) -> bool:
        return any(value is not None for value in (self.connection, self.budget, self.revisit_days, self.terms))

    @property
    def _spec(self) -> SourceSpec:
        """The source without its options."""
        return SourceSpec(self.source, self.type, ()) if self.type else parse_specs([self.value])[0]

    @property
    def id(self) -> str:
        """The ID of the source."""
        return self._spec.id

    @property
    def value(self) -> str:
        """The `--source` value; the ID alone if the entry has a `type`."""
        return self.source if self.platform is None else _with_platform(self.source, self.platform)

    def spec(self, folder: Path) -> SourceSpec:
        """The source with its options; `folder` is that of the file."""
        spec = self._spec
        if not self.type and not self._has_options:
            return spec
        options = LiveOptions(
            ask=self.ask or ({} if self.type else None),
            connection=self.connection or "",
            budget=self.budget,
            revisit_days=1 if self.revisit_days is None else self.revisit_days,
            terms=self.terms,
            folder=folder,
        )
        return SourceSpec(spec.id, spec.type, spec.places, spec.platform, options)

    def has(self, day: date) -> bool:
        """Whether the entry has this day; a missing first or last day sets no bound."""
        return (self.first_day or day) <= day <= (self.last_day or day)

    def __str__(self) -> str:
        """For example `gharchive= (from 2011-02-12)`."""
        ends = [f"{name} {day}" for name, day in (("from", self.first_day), ("to", self.last_day)) if day]
        return f"{self.value} ({' '.join(ends)})" if ends else self.value


def _parsed(value: str) -> SourceSpec:
    """The source of a `--source` value. Raises `ValueError` if the value is faulty."""
    try:
        return parse_specs([value])[0]
    except UsageError as error:
        raise ValueError(str(error).removeprefix(f"--source {value}: ")) from error


def _type_of(info: ValidationInfo) -> str | None:
    """The type of the entry, as far as its validated fields determine it."""
    if not {"source", "type"} <= info.data.keys():
        return None
    return info.data.get("type") or _parsed(info.data["source"]).type


def _with_platform(value: str, platform: str) -> str:
    name, equals, place = value.partition("=")
    return f"{name}@{platform}{equals}{place}"


def read(path: Path) -> list[Entry]:
    """All entries of a `sources.yaml`. Raises `UsageError`, which names every fault with file, entry and field."""
    return yaml_file.read(path, list[Entry], WHAT)


def enabled_entries(path: Path) -> list[Entry]:
    """The enabled entries of a `sources.yaml`. Raises `UsageError` like `read`."""
    return [entry for entry in read(path) if entry.enabled]


def enabled_sources(path: Path, day: date | None = None) -> tuple[SourceSpec, ...]:
    """The enabled sources of a `sources.yaml`. With a day, only entries that have this day. Raises `UsageError` like `read`,
    and if two entries contradict each other."""
    entries = enabled_entries(path)
    _together(path, entries)
    return _together(path, [entry for entry in entries if day is None or entry.has(day)])


def sources(path: Path, values: Sequence[str]) -> tuple[SourceSpec, ...]:
    """The sources of `--source` values, where the ID of an entry of `sources.yaml` stands for that entry. Raises `UsageError`
    like `parse_specs` and `read`."""
    listed: list[SourceSpec] = []
    literal: list[str] = []
    for value in values:
        if value in TYPES or not is_id(value):
            literal.append(value)
            continue
        entries = [entry for entry in read(path) if entry.id == value]
        if not entries:
            raise UsageError(f"--source {value}: neither a type nor an ID in {path}; use [ID:]TYPE=WHERE")
        listed += _together(path, entries)
    specs = (*listed, *parse_specs(literal))
    if len({spec.id for spec in specs}) < len(specs):
        raise UsageError("--source: the same ID stands for two sources; give one of them another ID")
    return specs


def _together(path: Path, entries: Sequence[Entry]) -> tuple[SourceSpec, ...]:
    """The sources of these entries. Entries without options that have the same ID are several places of one source."""
    specs = [entry.spec(path.parent) for entry in entries]
    try:
        plain = {spec.id: spec for spec in parse_specs([entry.value for entry, spec in zip(entries, specs, strict=True)
                                                         if not spec.options])}  # fmt: skip
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    found: dict[str, SourceSpec] = {}
    for spec in specs:
        if spec.id in found and (spec.options or found[spec.id].options):
            raise UsageError(f"{path}: two entries have the ID {spec.id!r}; give one of them another")
        found[spec.id] = spec if spec.options else plain[spec.id]
    return tuple(found.values())
