"""Bluesky's stream through the real client, against a Jetstream server on loopback that breaks off, repeats and forgets."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from backports import zstd
from websockets.sync.server import ServerConnection

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.sources import bluesky
from jobs.sources.jetstream import parse
from jobs.sources.live import recording
from jobs.sources.page import Note
from jobs.sources.spec import parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.jetstream_server import (
    BEGIN,
    DAY,
    LATER,
    STEP,
    TEXT,
    WHOLE,
    Jetstream,
    event,
    opened,
    pulled,
    running,
)
from tests.jobs.sources.killed import killed_at, recorded


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jetstream]:
    monkeypatch.setattr(bluesky, "PAGE_EVENTS", 100)
    monkeypatch.setattr(bluesky, "CLOSE_S", 0.01)
    jetstream = Jetstream()
    with running(jetstream):
        yield jetstream


def test_a_day_is_whole_by_one_connection(server: Jetstream, tmp_path: Path) -> None:
    assert pulled(opened(server, tmp_path)) == (WHOLE, [])
    assert server.asked == [BEGIN]
    assert set(server.queries[0]["wantedCollections"]) == set(bluesky.COLLECTIONS)


def test_the_acts_are_those_of_the_whole_events_and_no_text_is_recorded(server: Jetstream, tmp_path: Path) -> None:
    pulled(opened(server, tmp_path))
    lines = [line for path in recorded(tmp_path) for line in recording.items_of(path)]
    assert [parse(line) for line in lines] == [parse(json.dumps(event(number)).encode()) for number in sorted(WHOLE)]
    content = b"".join(zstd.decompress(path.read_bytes()) for path in recorded(tmp_path))
    for word in (TEXT, "createdAt", "langs", "root"):
        assert word.encode() not in content


def test_the_same_day_again_asks_nothing_and_gives_the_same_rows(server: Jetstream, tmp_path: Path) -> None:
    first = pulled(opened(server, tmp_path))
    server.asked.clear()
    assert pulled(opened(server, tmp_path)) == first
    assert server.asked == []


def test_a_stream_that_drops_is_resumed_at_the_last_event(server: Jetstream, tmp_path: Path) -> None:
    server.drop_after = 130
    assert pulled(opened(server, tmp_path)) == (WHOLE, [])
    assert len(server.asked) == 4
    assert server.asked == sorted(server.asked)


def test_events_that_come_again_or_in_another_order_are_one_act_each(
    server: Jetstream, tmp_path: Path, warehouse: Warehouse
) -> None:
    def twice(socket: ServerConnection, cursor: int) -> None:
        first, *messages = server.messages(cursor)
        socket.send(first)
        for start in range(0, len(messages), 10):
            some = messages[start : start + 10]
            for message in (*(reversed(some) if start < 400 else some), messages[start]):
                socket.send(message)
        socket.recv()

    server.serve_from = twice
    spec = parse_specs([f"bsky:bluesky={server.url}"])[0]
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test"))
    rows = warehouse.read(ACTIVITY, {"day": DAY}).to_pylist()
    assert {int(row["activity_id"].rpartition("/k")[2]) for row in rows} == WHOLE
    assert len({(row["activity_id"], row["kind"], row["target_id"]) for row in rows}) == len(rows)
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert (coverage["platform"], coverage["status"]) == ("bluesky", "complete")
    assert coverage["repeated_count"] > 0


def test_a_memory_that_begins_too_late_makes_the_day_partial_for_good(server: Jetstream, tmp_path: Path) -> None:
    """The server starts later without saying so."""
    server.memory_begins = BEGIN + 120 * STEP
    events, (note,) = pulled(opened(server, tmp_path))
    assert events == {number for number in WHOLE if number >= 120}
    assert note == Note("the server no longer had 6.0 hours of its events", True, DAY, lasting=True)
    assert pulled(opened(server, tmp_path)) == (events, [note])  # also from the recording


def test_a_day_that_the_server_has_forgotten_is_absent(server: Jetstream, tmp_path: Path) -> None:
    server.memory_begins = BEGIN + 500 * STEP
    events, (note,) = pulled(opened(server, tmp_path))
    assert events == set()
    assert note == Note("the server no longer had 24.0 hours of its events", True, DAY, absent=True, lasting=True)


def test_what_the_server_forgot_before_a_pull_was_resumed_is_missing(server: Jetstream, tmp_path: Path) -> None:
    server.drop_after = 200
    pulled(opened(server, tmp_path, connections=1))
    server.drop_after = None
    server.memory_begins = BEGIN + 320 * STEP
    events, (note,) = pulled(opened(server, tmp_path))
    assert events == {number for number in WHOLE if number < 200 or number >= 320}
    assert note == Note("the server no longer had 6.0 hours of its events", True, DAY, lasting=True)


def test_a_day_that_is_not_over_is_recorded_up_to_now_and_goes_on(server: Jetstream, tmp_path: Path) -> None:
    server.clock = (BEGIN + 200 * STEP + 2 * bluesky.TOLERANCE_US) / 1e6
    early, _ = pulled(opened(server, tmp_path))
    assert early == {number for number in WHOLE if number < 200}
    server.clock = LATER
    assert pulled(opened(server, tmp_path)) == (WHOLE, [])
    assert server.asked[0] == BEGIN
    assert server.asked[1] > BEGIN + 198 * STEP


def test_a_silent_stream_is_left_and_asked_again(
    server: Jetstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bluesky, "SILENCE_S", 0.2)
    silent = iter([True, True, False])

    def sometimes(socket: ServerConnection, cursor: int) -> None:
        if next(silent):
            socket.recv()
        else:
            server.everything(socket, cursor)

    server.serve_from = sometimes
    assert pulled(opened(server, tmp_path)) == (WHOLE, [])
    assert server.asked == [BEGIN] * 3


def test_a_server_that_never_sends_anything_ends_the_pull(
    server: Jetstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.serve_from = lambda socket, _: socket.close()
    events, (note,) = pulled(opened(server, tmp_path))
    assert events == set()
    assert note.absent
    assert note.reason == "127.0.0.1: no new event, 8 times; the next pull resumes there"


def test_messages_that_are_no_events_are_passed_over(server: Jetstream, tmp_path: Path) -> None:
    def noisy(socket: ServerConnection, cursor: int) -> None:
        for message in server.messages(cursor):
            for noise in ("", "null", "[]", "{", '{"time_us": "x"}', b"\xff\xfe"):
                socket.send(noise)
            socket.send(message)
        socket.recv()

    server.serve_from = noisy
    assert pulled(opened(server, tmp_path)) == (WHOLE, [])


def test_one_odd_event_is_rejected_and_the_others_survive(server: Jetstream, tmp_path: Path) -> None:
    def odd(socket: ServerConnection, cursor: int) -> None:
        for number, message in enumerate(server.messages(cursor)):
            made = json.loads(message)
            if number == 5:
                made["commit"]["record"] = {"subject": {"uri": 7}, "embed": [1], "facets": {"a": 1}, "reply": "x"}
            socket.send(json.dumps(made))
        socket.recv()

    server.serve_from = odd
    events, notes = pulled(opened(server, tmp_path))
    assert WHOLE - events <= {5}
    assert notes == []


def test_a_pull_out_of_budget_goes_on_with_the_next_one(server: Jetstream, tmp_path: Path) -> None:
    server.drop_after = 200
    _, (note,) = pulled(opened(server, tmp_path, connections=2))
    assert note.reason == "the budget of 2 requests is used up; the next pull resumes there"
    assert (note.partial, note.absent) == (True, False)
    assert pulled(opened(server, tmp_path)) == (WHOLE, [])
    assert server.asked == sorted(server.asked)


def test_a_pull_that_is_killed_before_any_page_appears_gives_the_same_day(server: Jetstream, tmp_path: Path) -> None:
    whole = pulled(opened(server, tmp_path / "whole"))
    pages = len(recorded(tmp_path / "whole"))
    assert pages == 5
    for number in range(pages):  # each pull after the first adds one page, and dies with the second one
        with killed_at(min(number, 1)):
            pulled(opened(server, tmp_path / "killed"))
        assert len(recorded(tmp_path / "killed")) == number
    assert pulled(opened(server, tmp_path / "killed")) == whole


@pytest.mark.parametrize("place", ["https://bsky.social", "some/file", "wss://", "ws:"])
def test_a_place_that_is_no_address_is_refused(place: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected an address, such as wss://"):
        parse_specs([f"bsky:bluesky={place}"])[0].open(tmp_path)
