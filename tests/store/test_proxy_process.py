"""The process of the proxy that counts deltalake's requests, and the secrets that it does not get."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from jobs.errors import CloutError
from jobs.warehouse import store_proxy, store_requests
from tests.dags.up import wait_until
from tests.store.plain_server import PlainServer, plain_server
from tests.store.through_proxy import ThroughProxy

pytestmark = pytest.mark.system


def run(program: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def metadata() -> Iterator[PlainServer]:
    with plain_server() as server:
        yield server


OPENS = """
from deltalake import DeltaTable
from jobs.warehouse import object_files
print(DeltaTable.is_deltatable("s3://bucket/w", object_files.deltalake_options("s3://bucket/w") | {"max_retries": "0"}))
"""


@pytest.fixture
def settings(plain: PlainServer, metadata: PlainServer, tmp_path: Path) -> dict[str, str]:
    """Of a machine without keys, whose role `metadata` tells."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ENDPOINT_URL": plain.url,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{metadata.url}/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t0k3n",
        "HOME": str(tmp_path),
    }


def test_a_role_is_asked_for_where_it_is_and_its_token_reaches_no_store(
    plain: PlainServer, metadata: PlainServer, settings: dict[str, str]
) -> None:
    ended = run(OPENS, settings | {"AWS_REGION": "eu-north-1"})
    assert "loading credentials" in ended.stderr
    assert metadata.asked == ["/credentials"]
    assert plain.asked == []


def test_with_keys_nobody_asks_for_role_or_region(
    plain: PlainServer, metadata: PlainServer, settings: dict[str, str]
) -> None:
    run(OPENS, settings | {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s3cr3t"})
    assert metadata.asked == []
    assert plain.asked != []


def test_the_proxy_has_no_secret_and_shows_no_password(plain: PlainServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "pl4nted")
    proxy = store_requests._Proxy(plain.url)
    try:
        about = Path(f"/proc/{proxy._process.pid}")
        assert plain.url in (about / "cmdline").read_text()
        password = urlsplit(proxy.url).password
        for secret in ("pl4nted", password):
            assert secret
            assert secret not in (about / "environ").read_text() + (about / "cmdline").read_text()
    finally:
        proxy.end()


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false", ""])
def test_a_proxy_that_does_not_start_says_so(plain: PlainServer, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(CloutError, match=r"^the proxy to the object store does not start \(.*store_proxy\.py http"):
        store_requests._Proxy(plain.url)


def test_a_proxy_without_a_password_does_not_start(plain: PlainServer) -> None:
    program = [sys.executable, "-I", "-S", store_proxy.__file__, plain.url]
    ended = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, b"")


def test_each_store_has_a_proxy_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = []
    for endpoint in ("http://one.example", "https://two.example", "http://one.example"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        urls.append(store_requests.proxy())
    assert urls[0] == urls[2] != urls[1]


def test_a_dead_proxy_is_replaced_and_its_requests_count(
    plain: PlainServer, to_proxy: ThroughProxy, passed_on: Callable[[], int]
) -> None:
    to_proxy.request("GET", f"{plain.url}/once")
    to_proxy.getresponse().read()
    before, url = passed_on(), store_requests.proxy()
    (proxy,) = (proxy for proxy in store_requests._proxies if proxy.url == url)
    proxy._process.kill()
    proxy._process.wait()
    assert store_requests.proxy() != url
    assert passed_on() == before > 0


STARTS = "import os, sys; from jobs.warehouse import store_requests; print(store_requests.proxy(), flush=True)\n"
FORKS = "if not os.fork(): os.close(1); os.close(2); import time; time.sleep(30); os._exit(0)\n"


@pytest.mark.parametrize("end", ["sys.exit()", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_proxy_ends_with_its_process(plain: PlainServer, end: str) -> None:
    """However the process ends, and although another that it forked goes on."""
    ended = run(STARTS + FORKS + end)
    port = urlsplit(ended.stdout.strip()).port
    assert port is not None

    def listens() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_until(lambda: not listens(), 15, lambda: f"{ended.stdout} still listens")


COUNTS = """
import os, sys
from jobs.errors import CloutError
from jobs.warehouse import store_proxy, store_requests
from tests.store.through_proxy import ThroughProxy

def ask(times):
    for _ in range(times):
        client = ThroughProxy(store_requests.proxy())
        client.request("GET", os.environ["AWS_ENDPOINT_URL"] + "/once")
        client.getresponse().read()
    print(store_requests.taken("s3://bucket/w").get(store_requests.DELTALAKE), flush=True)

ask(3)
child = os.fork()
if child:
    os.waitpid(child, 0)
ask(1 if child else 2)
"""


def test_a_forked_process_counts_its_own_requests(plain: PlainServer) -> None:
    ended = run(COUNTS)
    assert (ended.stdout.split(), ended.stderr) == (["3", "2", "1"], "")
