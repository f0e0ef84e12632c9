"""A run needs no network: it works where there is none."""

import os
import shutil
import subprocess
import sys
from datetime import date

import pytest

from jobs.places import ROOT
from jobs.warehouse.storage import Warehouse
from schemas.scores import SCORES
from tests.tiny_days import QUICK_JAVA

pytestmark = pytest.mark.system

# In a network of its own, where only this machine itself can be reached: brings that up, sees that nothing else answers,
# and becomes the command.
CUT_OFF = """
import fcntl, os, socket, struct, sys
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
for address in (("192.0.2.1", 443), ("8.8.8.8", 53)):
    try:
        socket.create_connection(address, timeout=5)
    except OSError as error:
        print("cut off:", error.strerror, flush=True)
os.execv(sys.executable, [sys.executable, "-m", "jobs", *sys.argv[1:]])
"""


@pytest.fixture
def unshare() -> list[str]:
    """A command that runs another in a network of its own; skips where the system does not allow it."""
    found = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*found, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system does not allow a network namespace (`unshare --net`)")
    return found


def test_a_run_works_with_the_network_cut(unshare, tmp_path):
    environment = os.environ | {"CLOUT_WAREHOUSE": str(tmp_path / "warehouse"), "JAVA_TOOL_OPTIONS": QUICK_JAVA}
    days = ["--first-day", "2026-11-01", "--last-day", "2026-11-02", "--score-from", "2026-11-02"]
    ran = subprocess.run(
        [*unshare, sys.executable, "-c", CUT_OFF, "run", "--source", "sample=people=200", *days],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[:2] == ["cut off: Network is unreachable"] * 2
    days_published = Warehouse(str(tmp_path / "warehouse")).read(SCORES).group_by("day").aggregate([([], "count_all")])
    assert days_published["day"].to_pylist() == [date(2026, 11, 2)]
    assert min(days_published["count_all"].to_pylist()) > 50
