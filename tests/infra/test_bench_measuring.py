"""What a measured command took, with the processes that outlived it."""

import sys
from types import ModuleType

import pytest

from jobs.places import ROOT

BUSY = "import time\nwhile time.process_time() < 0.5: pass"
LEAVES_ONE_BEHIND = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BUSY!r}])"


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "infra" / "bench"))
    import measuring

    return measuring


def test_processor_time_includes_that_of_a_process_that_outlives_the_command(measuring: ModuleType) -> None:
    """As a JVM outlives the command that started it."""
    assert measuring.Command(sys.executable, "-c", LEAVES_ONE_BEHIND).processor_s > 0.5
    assert measuring.Command("true").processor_s < 0.5
