"""The small GitLab, for one test."""

import pytest

from jobs.sources import gitlab
from tests.jobs.sources.gitlab.made import GitLab, filled
from tests.jobs.sources.platform_server import Platform


@pytest.fixture
def lab(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> GitLab:
    """One project with one day of events; likes on an issue of the day and on one of the day before."""
    monkeypatch.setattr(gitlab, "PAGE_THREADS", 1)
    return filled(platform)
