"""What executors of a cluster report of their requests. `tests/dags/test_cluster.py` counts real ones."""

import socket
import time
from threading import Thread
from types import SimpleNamespace

import pytest

from jobs import executor_requests
from jobs.executor_requests import Reports

PATIENCE_S = 30.0  # on a machine that is busy with other things

pytestmark = pytest.mark.integration  # a server on loopback


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Reports:
    monkeypatch.setattr(executor_requests, "PERIOD_S", 0)
    return Reports("127.0.0.1", 0)


def report(reports: Reports, requests: str, name: str = "") -> socket.socket:
    """From a new executor, which is returned."""
    executor = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    send(executor, reports, requests, name)
    return executor


def send(executor: socket.socket, reports: Reports, requests: str, name: str = "") -> None:
    sent = f"{name or reports.name}.s3aFileSystem.s3aFileSystem.store_io_request:{requests}"
    executor.sendto(sent.encode(), ("127.0.0.1", reports.port))


def arrived(reports: Reports, requests: int) -> None:
    ends = time.monotonic() + PATIENCE_S
    while reports.requests() != requests:
        assert time.monotonic() < ends, reports.requests()
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("requests", "name"), [("9|c", "clout"), ("-9|c", ""), ("9", ""), ("9|c\nx:9|c", ""), ("\u0669|c", "")]
)
def test_what_no_executor_sends_is_not_counted(reports: Reports, requests: str, name: str) -> None:
    """Datagrams to one socket arrive in their order."""
    with report(reports, requests, name), report(reports, "3|c"), report(reports, "4|c\n"):
        arrived(reports, 7)


def test_an_executor_that_is_late_is_waited_for(reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_requests, "PATIENCE_S", 2 * PATIENCE_S)
    with report(reports, "3|c") as executor:
        arrived(reports, 3)
        waiting = Thread(target=reports.wait)
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        send(executor, reports, "4|c")
        waiting.join(PATIENCE_S)
        assert not waiting.is_alive()
        assert reports.requests() == 4


@pytest.mark.parametrize(("bound", "seconds"), [("PATIENCE_S", 0.3), ("GONE_S", 0.0)])
def test_one_that_never_reports_again_is_not_waited_for(
    reports: Reports, monkeypatch: pytest.MonkeyPatch, bound: str, seconds: float
) -> None:
    for name in ("PATIENCE_S", "GONE_S"):
        monkeypatch.setattr(executor_requests, name, seconds if name == bound else 2 * PATIENCE_S)
    with report(reports, "3|c"):
        arrived(reports, 3)
        began = time.monotonic()
        reports.wait()
        assert time.monotonic() - began < PATIENCE_S


def test_an_address_that_this_process_cannot_have_is_an_error(reports: Reports) -> None:
    with pytest.raises(OSError, match="Cannot assign requested address"):
        Reports("192.0.2.1", 0)
    with pytest.raises(OSError, match="Address already in use"):
        Reports("127.0.0.1", reports.port)


@pytest.mark.parametrize(
    "settings",
    [
        {"spark.master": "local[2]"},
        {"spark.master": "spark://host:7077", "spark.files": f"/etc/clout/{executor_requests.FILE},/etc/other"},
        {"spark.master": "yarn", "spark.yarn.dist.files": f"hdfs:///clout/{executor_requests.FILE}"},
    ],
)
def test_executors_get_nothing_in_local_mode_or_in_place_of_the_users_own_settings(settings: dict[str, str]) -> None:
    address = {"spark.driver.host": "127.0.0.1", "spark.driver.port": "0"}
    context = SimpleNamespace(
        applicationId="app-1",
        getConf=lambda: SimpleNamespace(getAll=lambda: [*(address | settings).items()]),
        addFile=lambda path: pytest.fail(f"{path} was sent"),
    )
    executor_requests.follow(context)  # type: ignore[arg-type]
