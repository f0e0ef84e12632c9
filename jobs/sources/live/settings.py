"""What an operator says of a live source, in `sources.yaml` or in a `--source` value. Imports no client of a platform."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from jobs.sources.live.budget import Budget

Members = list[str] | str  # names, or the path of a population file, relative to the file of sources


class Ask(BaseModel, ABC):
    """What a source asks its platform: the fields of `ask`. Every live type has a model of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    @abstractmethod
    def of_places(cls, places: Sequence[str]) -> dict[str, Any]:
        """The fields of `ask` that the WHERE of `--source` values give. Raises `UsageError` if a place is malformed."""


class PlacesAsk(Ask):
    """An ask whose places are the members of its field `PLACES`."""

    PLACES: ClassVar[str]

    @classmethod
    def of_places(cls, places: Sequence[str]) -> dict[str, Any]:
        """Each place is a member."""
        return {cls.PLACES: list(places)}


class Limits(BaseModel):
    """What one pull may use (`budget`); what is left out has the type's default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: int | None = Field(default=None, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    dollars: float | None = Field(default=None, gt=0)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one live source is opened. `secret`: what the connection must hold. `folder`: the folder to which relative paths of
    populations refer. `withdraw_days`: the days after a day in which acts may be taken back. `budget` makes the budget from a
    number of requests and of minutes."""

    id: str
    landing: Path
    ask: Mapping[str, Any]
    connection: str = ""
    secret: str = "a token"
    limits: Limits = field(default_factory=Limits)
    revisit_days: int = 1
    withdraw_days: int = 7
    folder: Path = Path()
    budget: Callable[[int, float], Budget] = field(default=Budget)
