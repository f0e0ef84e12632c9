"""How nights deal with late data, and how long things are kept: `infra/nights.yaml`, which documents each setting."""

from pydantic import BaseModel, ConfigDict, Field

from jobs import yaml_file
from jobs.places import nights_file


class Nights(BaseModel):
    """Spans of hours and days; `infra/nights.yaml` says what each means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settle_hours: float = Field(12, ge=0, le=24 * 366)
    repair_days: int = Field(7, ge=0, le=366)
    rescore_days: int = Field(7, ge=0, le=3660)
    gate_days: int = Field(7, ge=1, le=366)
    keep_replaced_days: int = Field(30, ge=1, le=36_600)
    keep_activity_days: int | None = Field(None, ge=1, le=36_600)


def nights() -> Nights:
    """The settings in force. Raises `UsageError` naming the file and every field that is wrong."""
    return yaml_file.read(nights_file(), Nights, "settings of the nights")
