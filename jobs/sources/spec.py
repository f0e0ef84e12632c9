"""`--source [ID:]TYPE=WHERE` and `infra/sources.yaml` -> sources."""

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from jobs.errors import UsageError
from jobs.sources.page import Source

# Modules are imported when they are used: a pull of one archive needs no client of another platform.
TYPES = {
    "higgs": "jobs.sources.higgs:HiggsSource",
    "gharchive": "jobs.sources.gharchive:GHArchiveSource",
    "jetstream": "jobs.sources.jetstream:JetstreamSource",
    "reddit": "jobs.sources.reddit:RedditSource",
    "activitystreams": "jobs.sources.activitystreams:ActivityStreamsSource",
    "sample": "jobs.sources.sample:SampleSource",
}
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class SourceSpec:
    """One source: its ID, its type, and the places it is pulled from, together."""

    id: str
    type: str
    places: tuple[str, ...]

    def open(self) -> Source:
        """Raises `UsageError` where a place cannot be read."""
        module, name = TYPES[self.type].split(":")
        return getattr(importlib.import_module(module), name)(self.id, self.places)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The `--source` values that give this source."""
        return tuple(f"{self.id}:{self.type}={place}" for place in self.places)


def parse_specs(values: Sequence[str]) -> tuple[SourceSpec, ...]:
    """Values of `--source`, in order of first mention. The same ID twice is several files of one source. Raises
    `UsageError` where one is malformed or of an unknown type."""
    found: dict[str, SourceSpec] = {}
    for value in values:
        name, _, place = value.partition("=")
        source_id, colon, source_type = name.partition(":")
        source_type = source_type if colon else source_id
        if source_type not in TYPES:
            raise UsageError(
                f"--source {value}: unknown type {source_type!r}; use [ID:]TYPE=WHERE with one of {', '.join(TYPES)}"
            )
        if not _ID.fullmatch(source_id):
            raise UsageError(f"--source {value}: an ID is lower-case letters, digits, `_`, `.` and `-`, at most 64")
        if not place and source_type not in ("sample", "gharchive"):
            raise UsageError(f"--source {value}: say where it is, as {name}=PATH")
        before = found.get(source_id, SourceSpec(source_id, source_type, ()))
        if before.type != source_type:
            raise UsageError(f"--source {value}: ID {source_id!r} is already a source of type {before.type!r}")
        if place in before.places:
            raise UsageError(f"--source {value}: given twice")
        found[source_id] = SourceSpec(source_id, source_type, (*before.places, place))
    return tuple(found.values())


def enabled_sources(path: Path) -> tuple[SourceSpec, ...]:
    """The enabled sources of a `sources.yaml`: a list of `source: [ID:]TYPE=WHERE` and `enabled: true|false`. Raises
    `UsageError` where it is malformed."""
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
        return parse_specs([entry["source"] for entry in entries if entry.get("enabled", True)])
    except (OSError, UnicodeError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path}: expected a list of `source: [ID:]TYPE=WHERE`: {error}") from error


def are_simulated(specs: Sequence[SourceSpec]) -> bool:
    """Whether these sources are the simulation's, which has a warehouse of its own. Raises `UsageError` where there is none
    or they are mixed."""
    simulated = {spec.type == "sample" for spec in specs}
    if len(simulated) != 1:
        raise UsageError(
            "the simulation and real platforms are never mixed; give one or the other"
            if simulated
            else "no source is enabled"
        )
    return simulated.pop()
