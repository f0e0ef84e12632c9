"""The small GitHub, for one test."""

from datetime import timedelta

import pytest

from jobs.sources import github
from tests.jobs.sources.github.made import NEXT_NOON, GitHub, filled
from tests.jobs.sources.platform_server import Platform


@pytest.fixture
def hub(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """The pull is at noon of the day after."""
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON)
    return filled(platform)


@pytest.fixture
def long_ago(hub: GitHub, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """The day is asked so much later that its events may be gone, and all lists are read."""
    hub.lists["/repos/bo/tool/events"].pop()
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=45))
    return hub
