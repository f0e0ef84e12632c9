"""The settings for late data, linked accounts, retention and small groups: `infra/nights.yaml`, which documents each."""

from pydantic import BaseModel, ConfigDict, Field

from jobs import yaml_file
from jobs.places import nights_file
from schemas.views import MIN_GROUP


class Nights(BaseModel):
    """Settings in hours, days, accounts and people; `infra/nights.yaml` documents each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settle_hours: float = Field(default=12, ge=0, le=24 * 366)
    repair_days: int = Field(default=7, ge=0, le=366)
    withdraw_days: int = Field(default=7, ge=0, le=30)
    rescore_days: int = Field(default=7, ge=0, le=3660)
    max_accounts: int = Field(default=20, ge=1, le=1000)
    gate_days: int = Field(default=7, ge=1, le=366)
    keep_replaced_days: int = Field(default=30, ge=1, le=36_600)
    landing_days: int | None = Field(default=30, ge=1, le=36_600)
    erase_by_days: int = Field(default=30, ge=1, le=366)
    min_group: int = Field(default=MIN_GROUP, ge=1, le=1_000_000)
    keep_activity_days: int | None = Field(default=None, ge=1, le=36_600)


def nights() -> Nights:
    """The settings in force. Raises `UsageError` naming the file and every wrong field."""
    return yaml_file.read(nights_file(), Nights, "settings of the nights")
