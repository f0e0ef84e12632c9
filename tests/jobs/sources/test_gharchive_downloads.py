"""Hours of GH Archive behind URLs: which are downloaded, and which are asked for again."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tenacity import wait_none

from jobs.errors import CloutError, UsageError
from jobs.sources import gharchive
from jobs.sources.gharchive import GHArchiveSource
from jobs.sources.page import Note
from tests.jobs.sources.conftest import CountPages
from tests.jobs.sources.hours import DAY, NEXT_DAY, hour, name
from tests.loopback import LoopbackServer


class Server(LoopbackServer):
    """Sends a path's next answer in `answers`, and its last one from then on; 404 for other paths."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.asked: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/archive/"


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.path.rpartition("/")[2]
        answers = self.server.answers.get(asked, [(404, b"")])
        status, body = answers[min(self.server.asked[asked], len(answers) - 1)]
        self.server.asked[asked] += 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) * (2 if status == 206 else 1)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(gharchive.ATTEMPTS, "wait", wait_none())
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


def test_the_url_of_one_hour_is_refused_at_once(server: Server) -> None:
    with pytest.raises(
        UsageError, match=r"2024-11-03-0\.json\.gz: is one hour; give the base URL, http://.*/archive, and"
    ):
        GHArchiveSource("gharchive", [f"{server.url}{name(DAY, 0)}"])
    assert not server.asked


def test_days_of_which_nothing_is_there_are_an_error(tmp_path: Path, server: Server) -> None:
    (tmp_path / name(DAY, 0)).write_bytes(hour(DAY, 0))
    for place in (str(tmp_path), server.url):
        with pytest.raises(
            UsageError, match=r"no hour of 2024-11-04\.\.2024-11-05, expected files like 2024-11-05-0\.json\.gz"
        ):
            list(GHArchiveSource("gharchive", [place]).pages(NEXT_DAY, date(2024, 11, 5)))


def test_without_a_place_it_is_the_public_archive() -> None:
    assert GHArchiveSource("gharchive", [""]).urls == ["https://data.gharchive.org"]


def test_hours_are_downloaded_and_those_not_found_are_missing(server: Server, count_pages: CountPages) -> None:
    server.answers = {name(DAY, number): [(200, hour(DAY, number))] for number in range(24) if number != 5}
    found = list(GHArchiveSource("gharchive", [server.url]).pages(DAY, DAY))
    assert found[0].file == f"{server.url}{name(DAY, 0)}"
    assert count_pages(found) == (
        {"like": 23},
        {},
        23,
        0,
        [Note("1 of 24 hours are missing: 2024-11-03-5", partial=True, day=DAY)],
    )
    assert server.asked == {name(DAY, number): 1 for number in range(24)}  # what is not there is not asked for again


def test_a_passing_fault_is_tried_again(server: Server, count_pages: CountPages) -> None:
    server.answers = {name(DAY, number): [(200, hour(DAY, number))] for number in range(24)}
    good = server.answers[name(DAY, 0)][0]
    half = (206, b"x" * (3 << 20))  # announces twice as much as it sends: the connection broke after some was written
    server.answers[name(DAY, 0)] = [(500, b"oops"), (429, b""), half, good]
    assert count_pages(GHArchiveSource("gharchive", [server.url]).pages(DAY, DAY)) == ({"like": 24}, {}, 24, 0, [])
    assert server.asked[name(DAY, 0)] == 4


@pytest.mark.parametrize(("status", "attempts"), [(500, 5), (403, 1)])
def test_a_lasting_fault_ends_the_pull(server: Server, status: int, attempts: int) -> None:
    server.answers = {name(DAY, 0): [(status, b"")]}
    with pytest.raises(CloutError, match=rf"2024-11-03-0\.json\.gz: .*{status}"):
        list(GHArchiveSource("gharchive", [server.url]).pages(DAY, DAY))
    assert server.asked == {name(DAY, 0): attempts}
