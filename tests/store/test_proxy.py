"""What the proxy that counts requests passes on: what deltalake and the store say to each other, and nothing else."""

import socket
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from time import monotonic

import pytest

from jobs.warehouse import store_proxy, store_requests
from tests.dags.up import wait_until
from tests.store.plain_server import BODY, SLOW, PlainServer
from tests.store.through_proxy import ThroughProxy

pytestmark = pytest.mark.system


@pytest.mark.parametrize("path", ["once", "chunked", "unknown"])
def test_a_connection_serves_requests_one_after_the_other(
    plain: PlainServer, to_proxy: ThroughProxy, path: str, passed_on: Callable[[], int]
) -> None:
    """Whether or not the store keeps its own, and whatever the frame of the answer."""
    before = passed_on()
    for method in ("GET", "GET"):
        to_proxy.request(method, f"{plain.url}/{path}")
        assert to_proxy.sock is not None
        assert to_proxy.getresponse().read() == BODY
        if path == "once":
            assert plain.closed.acquire(timeout=60)
    assert passed_on() - before == len(plain.asked) == 2


def test_an_answer_that_comes_before_the_body_was_read_arrives(plain: PlainServer, to_proxy: ThroughProxy) -> None:
    for _ in range(3):
        to_proxy.request("PUT", f"{plain.url}/early", body=bytes(8_000_000))
        answer = to_proxy.getresponse()
        assert (answer.status, answer.read()) == (503, SLOW)


@pytest.mark.parametrize(
    ("path", "error"), [("cut", IncompleteRead), ("chunked_and_cut", IncompleteRead), ("none", RemoteDisconnected)]
)
def test_a_cut_answer_stays_cut(plain: PlainServer, to_proxy: ThroughProxy, path: str, error: type[Exception]) -> None:
    to_proxy.request("GET", f"{plain.url}/{path}")
    with pytest.raises(error):
        to_proxy.getresponse().read()
    assert plain.asked == [f"/{path}"]  # once: the client decides whether it repeats a request


ENTRY = "/bucket/warehouse/runs/_delta_log/00000000000000000007.json"


def ask(to_proxy: ThroughProxy, url: str, part: str = "") -> tuple[int, str | None, bytes]:
    to_proxy.request("GET", url, headers={"range": f"bytes={part}"} if part else {})
    answer = to_proxy.getresponse()
    return answer.status, answer.getheader("content-range"), answer.read()


@pytest.mark.parametrize("entry", [ENTRY, ENTRY.replace("json", "checkpoint.parquet")])
def test_an_entry_of_a_log_is_asked_for_once(
    plain: PlainServer, to_proxy: ThroughProxy, entry: str, passed_on: Callable[[], int]
) -> None:
    """Each range of it, too."""
    plain.objects[entry] = b"entry"
    before = passed_on()
    for _ in range(2):
        assert ask(to_proxy, plain.url + entry) == (200, None, b"entry")
        assert ask(to_proxy, plain.url + entry, "1-2") == (206, "bytes 1-2/5", b"nt")
    assert plain.asked == [entry, entry]
    assert passed_on() - before == 2


@pytest.mark.parametrize(
    "path",
    [
        "_last_checkpoint",
        "7.json",
        "00000000000000000007.json?versionId=1",
        "?list-type=2&start-after=_delta_log/00000000000000000007.json",
        "../day.parquet",
    ],
)
def test_what_may_change_is_asked_for_each_time(plain: PlainServer, to_proxy: ThroughProxy, path: str) -> None:
    changing = ENTRY.replace("00000000000000000007.json", path)
    for text in (b"earlier", b"later"):
        plain.objects[changing] = text
        assert ask(to_proxy, plain.url + changing) == (200, None, text)


def test_an_entry_that_is_not_there_yet_is_asked_for_again(plain: PlainServer, to_proxy: ThroughProxy) -> None:
    assert ask(to_proxy, plain.url + ENTRY)[0] == 404
    plain.objects[ENTRY] = b"entry"
    assert ask(to_proxy, plain.url + ENTRY) == (200, None, b"entry")


def test_no_other_method_is_answered_by_what_is_kept(plain: PlainServer, to_proxy: ThroughProxy) -> None:
    plain.objects[ENTRY] = b"entry"
    ask(to_proxy, plain.url + ENTRY)
    to_proxy.request("PUT", plain.url + ENTRY, body=b"other")
    to_proxy.getresponse().read()
    assert plain.asked == [ENTRY, ENTRY]


def test_what_was_not_used_for_the_longest_time_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_proxy, "KEPT_BYTES", 2.5 * store_proxy.HEADERS_BYTES)
    log, answer = store_proxy._Log(), store_proxy._Kept(200, [], bytes(4), monotonic())
    for path in ("a", "a", "b"):
        log.keep(path, None, answer)
    assert log.get("a", None) == answer
    log.keep("c", None, answer)
    assert [log.get(path, None) for path in ("a", "b", "c")] == [answer, None, answer]


def test_an_entry_is_kept_for_some_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another warehouse may be made, or a backup restored, in the place of one."""
    log, answer = store_proxy._Log(), store_proxy._Kept(200, [], b"entry", at=0)
    log.keep("a", None, answer)
    monkeypatch.setattr(store_proxy, "monotonic", lambda: store_proxy.KEPT_SECONDS)
    assert log.get("a", None) == answer
    monkeypatch.setattr(store_proxy, "monotonic", lambda: store_proxy.KEPT_SECONDS + 1)
    assert log.get("a", None) is None
    later = answer._replace(body=b"later", at=store_proxy.KEPT_SECONDS)
    log.keep("a", None, later)
    assert log.get("a", None) == later


def test_an_answer_without_a_body_stays_one(plain: PlainServer, to_proxy: ThroughProxy) -> None:
    """Whatever its head says of a body."""
    for method in ("HEAD", "GET"):
        to_proxy.request(method, f"{plain.url}/chunked")
        assert to_proxy.getresponse().read() == (b"" if method == "HEAD" else BODY)
    assert plain.connections == 1


def test_a_connection_that_cannot_be_secured_is_tried_again_each_time(
    plain: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves a closed socket, which no later request or client may be given."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", plain.url.replace("http:", "https:"))
    proxy = store_requests.proxy()
    for _ in range(3):
        with closing(ThroughProxy(proxy)) as client:
            for _ in range(2):
                client.request("GET", f"{plain.url}/once")
                answer = client.getresponse()
                assert (answer.status, b"SSL" in answer.read()) == (502, True)


def test_an_old_connection_to_the_store_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = object.__new__(store_proxy._Handler)
    handler.to_store = HTTPConnection("store")
    connections = [HTTPConnection("store") for _ in range(3)]
    for connection in connections:
        connection.sock = socket.socket()
    oldest, old, fresh = connections
    monkeypatch.setattr(store_proxy, "monotonic", lambda: 100)
    since = (80, 100 - store_proxy.IDLE_SECONDS, 99)
    monkeypatch.setattr(store_proxy._Handler, "idle", list(zip(since, connections, strict=True)))
    handler._take_idle()
    assert handler.to_store is fresh
    handler.to_store = unused = HTTPConnection("store")
    handler._take_idle()
    assert handler.to_store is unused
    assert (oldest.sock, old.sock, store_proxy._Handler.idle) == (None, None, [])
    fresh.close()


def test_connections_to_the_store_are_shared(plain: PlainServer) -> None:
    """One client after the other uses the same, once the proxy has noticed that a client is gone."""

    def shares() -> bool:
        before = plain.connections
        with closing(ThroughProxy(store_requests.proxy())) as client:
            assert ask(client, f"{plain.url}/unknown")[0] == 404
        return plain.connections == before

    wait_until(shares, 60, lambda: f"{plain.connections} connections for {len(plain.asked)} clients")


@pytest.mark.parametrize("other", ["http://other.example/once", "http://127.0.0.1:1/once"])
def test_only_the_store_is_served(
    plain: PlainServer, to_proxy: ThroughProxy, other: str, passed_on: Callable[[], int]
) -> None:
    before = passed_on()
    to_proxy.request("GET", other)
    assert to_proxy.getresponse().status == 403
    assert plain.asked == []
    assert passed_on() == before


@pytest.mark.parametrize("authorization", [{}, {"proxy-authorization": "Basic Y2xvdXQ6b3RoZXI="}])
@pytest.mark.parametrize("url", ["", "/once", ENTRY])
def test_only_the_process_that_started_it_is_served(
    plain: PlainServer, to_proxy: ThroughProxy, url: str, authorization: dict[str, str], passed_on: Callable[[], int]
) -> None:
    """The proxy's own count, the store, and an entry of a log that it keeps."""
    plain.objects[ENTRY] = b"entry"
    assert ask(to_proxy, plain.url + ENTRY)[0] == 200
    before = passed_on()
    to_proxy.authorization = authorization
    assert ask(to_proxy, plain.url + url if url else "/")[0] == 407
    assert (plain.asked, passed_on()) == ([ENTRY], before)


def test_the_store_gets_no_password(plain: PlainServer, to_proxy: ThroughProxy) -> None:
    ask(to_proxy, f"{plain.url}/once")
    assert [name for name in plain.headers if name.lower().startswith("proxy")] == []
    assert plain.headers
