"""Bluesky's stream of some accounts only, and accounts that are gone at the day's end."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.sources import bluesky, bluesky_actors, bluesky_deletions
from jobs.sources.bluesky import BlueskySource
from jobs.sources.live import population, recording
from jobs.sources.live.population import Member
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.settings import Settings
from jobs.sources.page import DAY_US, Note
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.jetstream_server import BEGIN, DAY, EVENTS, STEP, WHOLE, Jetstream, event, running
from tests.jobs.sources.killed import killed_at, recorded

CHOSEN = ("did:plc:u3", "did:plc:u5")
OF_CHOSEN = {number for number in WHOLE if number % 7 in (3, 5)}


class Filtering(Jetstream):
    """Filters as a client's messages ask, which it reads after its first event and when it has sent all. `quiet`: chosen
    accounts send nothing from this event on."""

    def __init__(self) -> None:
        super().__init__()
        self.filters: list[list[str]] = []
        self.sent = 0
        self.quiet = max(EVENTS)
        self.serve_from = self.filtered

    def filtered(self, socket: ServerConnection, cursor: int) -> None:
        wanted: list[str] = []
        is_first = True
        for number in EVENTS:
            made = event(number)
            if made["time_us"] < max(cursor, self.memory_begins):
                continue
            if wanted and (made["did"] not in wanted or number >= self.quiet):
                continue
            socket.send(json.dumps(made))
            self.sent += 1
            if self.sent == self.drop_after:
                socket.close_socket()
                return
            if is_first:
                wanted, is_first = self.update(socket), False
        while self.update(socket):
            pass
        socket.send(json.dumps(event(max(EVENTS) + 1)))  # somebody's, at the tip
        socket.recv()

    def update(self, socket: ServerConnection) -> list[str]:
        asked = json.loads(socket.recv())
        assert asked["type"] == "options_update"
        assert asked["payload"]["wantedCollections"] == list(bluesky.COLLECTIONS)
        self.filters.append(asked["payload"]["wantedDids"])
        return self.filters[-1]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Filtering]:
    monkeypatch.setattr(bluesky, "PAGE_EVENTS", 30)
    monkeypatch.setattr(bluesky, "CLOSE_S", 0.01)
    monkeypatch.setattr(bluesky_actors, "PEEK_S", 0.05)
    filtering = Filtering()
    with running(filtering):
        yield filtering


def opened(server: Jetstream, landing: Path, actors: Any = CHOSEN) -> BlueskySource:
    ask = {"host": server.url} | ({} if actors is None else {"actors": list(actors)})
    return BlueskySource(Settings(id="bsky", landing=landing, ask=ask))


def pulled(source: BlueskySource) -> tuple[set[int], list[Note]]:
    pages = list(source.pages(DAY, DAY))
    acts = [act for page in pages for act in page.acts.to_pylist()]
    return {int(act["activity_id"].rpartition("/k")[2]) for act in acts}, [
        note for page in pages for note in page.notes
    ]


def test_only_chosen_accounts_are_sent_and_recorded(server: Filtering, tmp_path: Path) -> None:
    assert pulled(opened(server, tmp_path)) == (OF_CHOSEN, [])
    assert server.filters[0] == list(CHOSEN)
    assert len(server.asked) == 1
    assert server.sent < len(EVENTS) / 2


def test_a_replay_of_quiet_accounts_ends_with_the_day(server: Filtering, tmp_path: Path) -> None:
    """The chosen accounts are silent for hours before it ends, and at the tip."""
    server.quiet = 200
    assert pulled(opened(server, tmp_path)) == ({number for number in OF_CHOSEN if number < 200}, [])
    assert server.filters == [list(CHOSEN), []]


def test_an_account_that_does_nothing_leaves_a_complete_day(server: Filtering, tmp_path: Path) -> None:
    assert pulled(opened(server, tmp_path, ["did:plc:nobody"])) == (set(), [])
    server.asked.clear()
    assert pulled(opened(server, tmp_path, ["did:plc:nobody"])) == (set(), [])
    assert server.asked == []


def test_a_gap_shows_although_the_first_wanted_event_would_be_late_anyway(server: Filtering, tmp_path: Path) -> None:
    server.memory_begins = BEGIN + 120 * STEP
    events, (note,) = pulled(opened(server, tmp_path))
    assert events == {number for number in OF_CHOSEN if number >= 120}
    assert note == Note("the server no longer had 6.0 hours of its events", True, DAY, lasting=True)


def test_a_stream_that_drops_is_resumed(server: Filtering, tmp_path: Path) -> None:
    server.drop_after = 60
    events, notes = pulled(opened(server, tmp_path))
    assert (events, notes) == (OF_CHOSEN, [])
    assert len(server.asked) == 2


def test_a_pull_that_is_killed_gives_the_same_day(server: Filtering, tmp_path: Path) -> None:
    whole = pulled(opened(server, tmp_path / "whole"))
    renames = len(recorded(tmp_path / "whole")) + 1  # the population
    for number in range(renames):  # each pull after the first adds one file, and dies with the second one
        with killed_at(min(number, 1)):
            pulled(opened(server, tmp_path / "killed"))
        assert len(recorded(tmp_path / "killed")) == max(number - 1, 0)
    assert pulled(opened(server, tmp_path / "killed")) == whole


def test_the_day_covers_a_population(server: Filtering, warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "actors.tsv").write_text("\n".join([*CHOSEN, "did:plc:later\t2027-01-01"]))
    options = LiveOptions(ask={"host": server.url, "actors": "actors.tsv"}, folder=tmp_path)
    spec = SourceSpec("bsky", "bluesky", (), None, options)
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test"))
    rows = warehouse.read(ACTIVITY, {"day": DAY}).to_pylist()
    assert {row["actor_id"] for row in rows} == set(CHOSEN)
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert (coverage["status"], coverage["scope"]) == ("complete", "population")
    assert server.filters[0] == list(CHOSEN)


def test_a_changed_population_is_said_and_a_day_keeps_its_own(server: Filtering, tmp_path: Path) -> None:
    before = DAY - timedelta(days=1)
    population.of_day(recording.day_folder(tmp_path, "bsky", before), before, [Member(CHOSEN[0])])
    found = pulled(opened(server, tmp_path))
    reason = f"the population changed since {before}: {len(CHOSEN) - 1} new"
    assert found == (OF_CHOSEN, [Note(reason, False, DAY)])
    server.asked.clear()
    assert pulled(opened(server, tmp_path, [CHOSEN[0]])) == found
    assert server.asked == []


@pytest.mark.parametrize(
    ("actors", "fault"),
    [
        (["bsky.app"], r"'bsky\.app' is no DID"),
        ([f"did:plc:{number}" for number in range(10_001)], "10,001 accounts, but a server filters by at most 10,000"),
    ],
    ids=["handle", "too many"],
)
def test_what_a_server_cannot_filter_by_is_refused(tmp_path: Path, actors: list[str], fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        BlueskySource(Settings(id="bsky", landing=tmp_path, ask={"actors": actors}))


# Accounts that are gone


def account(did: str, hour: float, *, active: bool, status: str | None = None) -> dict[str, Any]:
    state = {"active": active, "did": did, "seq": 1, "time": "2026-11-03T00:00:00Z"} | (
        {"status": status} if status else {}
    )
    return {"did": did, "time_us": BEGIN + int(hour * DAY_US / 24), "kind": "account", "account": state}


@pytest.mark.parametrize(
    ("events", "is_gone"),
    [
        ([account("did:plc:u3", 20, active=False, status="deleted")], True),
        ([account("did:plc:u3", 1, active=False, status="takendown")], True),
        ([account("did:plc:u3", 1, active=False, status="deactivated")], True),
        ([account("did:plc:u3", 1, active=False, status="throttled")], False),
        ([account("did:plc:u3", 1, active=True)], False),
        (
            [account("did:plc:u3", 1, active=False, status="deactivated"), account("did:plc:u3", 2, active=True)],
            False,
        ),
        (
            [account("did:plc:u3", 2, active=False, status="deleted"), account("did:plc:u3", 1, active=True)],
            True,  # the server repeats events after a connection broke
        ),
        ([{"did": "did:plc:u3", "time_us": BEGIN, "kind": "account", "account": ["deleted"]}], False),
        ([event(3) | {"commit": {"record": {"text": '"kind":"account"'}}}], False),
    ],
    ids=["deleted", "taken down", "deactivated", "throttled", "active", "back", "order", "odd", "text"],
)
def test_the_last_event_of_an_account_decides_whether_it_is_gone(
    tmp_path: Path, events: list[dict[str, Any]], is_gone: bool
) -> None:
    stream = Recording(tmp_path, "stream")
    for each in events:
        stream.add([each], Cursor())
    assert bluesky_deletions.accounts(stream) == (frozenset([b"did:plc:u3"]) if is_gone else frozenset())


def test_acts_of_an_account_that_is_gone_are_ignored_and_acts_on_it_stay(tmp_path: Path) -> None:
    jetstream = Jetstream()

    def mixed(socket: ServerConnection, cursor: int) -> None:
        gone = [account("did:plc:u3", 20, active=False, status="deleted"), account("did:plc:bo", 1, active=False)]
        late = account("did:plc:u4", 25, active=False, status="deleted")
        events = [*map(json.loads, jetstream.messages(cursor)), *gone, late]
        for each in sorted(events, key=lambda each: each["time_us"]):
            socket.send(json.dumps(each))
        socket.recv()

    jetstream.serve_from = mixed
    with running(jetstream):
        assert pulled(opened(jetstream, tmp_path, actors=None)) == ({n for n in WHOLE if n % 7 != 3}, [])
        pages = list(opened(jetstream, tmp_path, actors=None).pages(DAY, DAY))
    assert sum(page.ignored.total() for page in pages) == len([n for n in WHOLE if n % 7 == 3]) + 2
    assert "did:plc:bo" in {act["target_id"] for page in pages for act in page.acts.to_pylist()}
