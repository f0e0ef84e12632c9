"""What the proxy that counts requests passes on: what deltalake and the store say to each other, and nothing else."""

from collections.abc import Callable
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected

import pytest

from tests.store.plain_server import BODY, SLOW, PlainServer

pytestmark = pytest.mark.system


@pytest.mark.parametrize("path", ["once", "chunked", "unknown"])
def test_a_connection_serves_requests_one_after_the_other(
    plain: PlainServer, to_proxy: HTTPConnection, path: str, passed_on: Callable[[], int]
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


def test_an_answer_that_comes_before_the_body_was_read_arrives(plain: PlainServer, to_proxy: HTTPConnection) -> None:
    for _ in range(3):
        to_proxy.request("PUT", f"{plain.url}/early", body=bytes(8_000_000))
        answer = to_proxy.getresponse()
        assert (answer.status, answer.read()) == (503, SLOW)


@pytest.mark.parametrize(
    ("path", "error"), [("cut", IncompleteRead), ("chunked_and_cut", IncompleteRead), ("none", RemoteDisconnected)]
)
def test_a_cut_answer_stays_cut(
    plain: PlainServer, to_proxy: HTTPConnection, path: str, error: type[Exception]
) -> None:
    to_proxy.request("GET", f"{plain.url}/{path}")
    with pytest.raises(error):
        to_proxy.getresponse().read()
    assert plain.asked == [f"/{path}"]  # once: the client decides whether it repeats a request


@pytest.mark.parametrize("other", ["http://other.example/once", "http://127.0.0.1:1/once"])
def test_only_the_store_is_served(
    plain: PlainServer, to_proxy: HTTPConnection, other: str, passed_on: Callable[[], int]
) -> None:
    before = passed_on()
    to_proxy.request("GET", other)
    assert to_proxy.getresponse().status == 403
    assert plain.asked == []
    assert passed_on() == before
