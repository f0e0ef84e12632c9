"""Every platform that answers by HTTP, one test after the other."""

import pytest

from tests.jobs.sources.live.worlds import CONNECTION, SECRET, WORLDS, Live
from tests.jobs.sources.site_server import Clock


@pytest.fixture(params=WORLDS, ids=lambda world: world.type)
def live(request, platform, tmp_path, monkeypatch) -> Live:
    monkeypatch.setenv(CONNECTION, SECRET)
    request.param.serve(platform, monkeypatch)
    return Live(request.param, platform, Clock(), tmp_path)
