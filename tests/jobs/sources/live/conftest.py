"""Every platform that answers by HTTP, one test after the other."""

from pathlib import Path

import pytest

from tests.jobs.sources.live.worlds import CONNECTION, SECRET, WORLDS, Live
from tests.jobs.sources.platform_server import Platform
from tests.jobs.sources.site_server import Clock


@pytest.fixture(params=WORLDS, ids=lambda world: world.type)
def live(request: pytest.FixtureRequest, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.setenv(CONNECTION, SECRET)
    request.param.serve(platform, monkeypatch)
    return Live(request.param, platform, Clock(), tmp_path)
