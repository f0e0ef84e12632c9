"""Paths on this machine. Light to import, because DAGs use it."""

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent


def data_home() -> Path:
    """`$XDG_DATA_HOME/clout`, or `~/.local/share/clout`."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "clout"


def warehouse_root(*, simulated: bool) -> str:
    """`$CLOUT_WAREHOUSE`, or a folder in the user's data folder; the simulation has its own."""
    return os.environ.get("CLOUT_WAREHOUSE") or str(data_home() / ("sample" if simulated else "warehouse"))


def landing(root: str) -> Path:
    """The folder of recordings: in the warehouse, or in the user's data folder if the warehouse is an object store."""
    return data_home() / "landing" if "://" in root else Path(root) / "landing"


def sources_file() -> Path:
    """The sources of the nightly pull: `$CLOUT_SOURCES`, or `infra/sources.yaml`."""
    return Path(os.environ.get("CLOUT_SOURCES") or ROOT / "infra" / "sources.yaml")


def nights_file() -> Path:
    """The settings of the nights: `$CLOUT_NIGHTS`, or `infra/nights.yaml`."""
    return Path(os.environ.get("CLOUT_NIGHTS") or ROOT / "infra" / "nights.yaml")
