"""Handshakes that a Jetstream server refuses or redirects, through the real client: waited for, or given up at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Response

from jobs import __version__
from jobs.sources import bluesky
from jobs.sources.live.http import NotAllowedError
from tests.jobs.sources.jetstream_server import BEGIN, WHOLE, Jetstream, opened, pulled, running
from tests.jobs.sources.site_server import Clock


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jetstream]:
    monkeypatch.setattr(bluesky, "CLOSE_S", 0.01)
    jetstream = Jetstream()
    with running(jetstream):
        yield jetstream


def said(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged, except by the test's own server."""
    return "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("websockets.server")
    )


def test_the_server_knows_who_asks(server: Jetstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUT_CONTACT", "ops@example.org")
    pulled(opened(server, tmp_path))
    assert server.agents == [f"clout/{__version__} (ops@example.org)"]


def test_a_server_that_refuses_is_asked_again_after_the_waits_of_http(server: Jetstream, tmp_path: Path) -> None:
    clock = Clock()
    server.refusals = [
        Response(429, "", Headers({"Retry-After": "7"})),
        Response(503, "", Headers()),
        Response(
            503, "", Headers({"Retry-After": "Tue, 05 Nov 2026 00:00:30 GMT", "Date": "Tue, 05 Nov 2026 00:00:00 GMT"})
        ),
    ]
    assert pulled(opened(server, tmp_path, clock=clock)) == (WHOLE, [])
    first, second, third = clock.waits
    assert (first, third) == (8, 31)
    assert 2 <= second < 4
    assert server.asked == [BEGIN]


def test_a_server_that_keeps_refusing_ends_the_pull_and_says_no_secret(
    server: Jetstream, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    server.refusals = [Response(503, "s3cr3t", Headers({"x": "s3cr3t"}), b"s3cr3t")] * 8
    _, (note,) = pulled(opened(server, tmp_path, clock=clock))
    assert note.reason == "127.0.0.1: status 503, 8 times; the next pull resumes there"
    assert note.absent
    assert len(clock.waits) == 7
    assert sum(clock.waits) > 60
    assert "s3cr3t" not in said(caplog)
    assert pulled(opened(server, tmp_path)) == (WHOLE, [])


def test_waits_do_not_exceed_the_minutes(server: Jetstream, tmp_path: Path) -> None:
    clock = Clock()
    server.refusals = [Response(503, "", Headers())] * 8
    _, (note,) = pulled(opened(server, tmp_path, clock=clock, minutes=0.1))
    assert note.reason.startswith("127.0.0.1: status 503, and the budget of 0.1 minutes is used up")
    assert sum(clock.waits) <= 6


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_fails_at_once_and_names_the_connection(
    server: Jetstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_BSKY", "s3cr3t")
    server.refusals = [Response(status, "s3cr3t", Headers())]
    with pytest.raises(
        NotAllowedError, match=rf"127\.0\.0\.1: not allowed \({status}\); check connection 'bsky'"
    ) as raised:
        pulled(opened(server, tmp_path))
    assert server.asked == []
    assert pulled(opened(server, tmp_path)) == (WHOLE, [])
    assert server.tokens == ["Bearer s3cr3t"] * 2
    assert "s3cr3t" not in f"{raised.value}{said(caplog)}"


@pytest.mark.parametrize(("status", "said"), [(404, "not there (404)"), (400, "status 400")])
def test_another_refusal_is_not_repeated(server: Jetstream, tmp_path: Path, status: int, said: str) -> None:
    server.refusals = [Response(status, "", Headers())]
    _, (note,) = pulled(opened(server, tmp_path))
    assert note.reason == f"127.0.0.1: {said}; the next pull resumes there"
    assert server.asked == []


@pytest.mark.parametrize(
    "place", ["ws://127.0.0.1:1/?s3cr3t", "ws://localhost:1/", "https://login.example.org/?s3cr3t"]
)
def test_a_redirect_to_another_host_is_not_followed(server: Jetstream, tmp_path: Path, place: str) -> None:
    server.refusals = [Response(302, "", Headers({"Location": place}))]
    _, (note,) = pulled(opened(server, tmp_path))
    assert note.reason == "127.0.0.1: leads to another host, which clout does not ask; the next pull resumes there"
    assert server.asked == []


def test_a_redirect_on_the_same_host_is_followed(server: Jetstream, tmp_path: Path) -> None:
    server.refusals = [Response(307, "", Headers({"Location": f"/subscribe?cursor={BEGIN}&wantedCollections=x"}))]
    assert pulled(opened(server, tmp_path)) == (WHOLE, [])
