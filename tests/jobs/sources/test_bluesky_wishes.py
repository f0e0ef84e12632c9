"""People of Bluesky who ask not to be shown to people without a login, night by night."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from jobs.sources import bluesky_wishes
from jobs.sources.bluesky import BlueskySource
from jobs.sources.bluesky_wishes import FILE, LABEL
from jobs.sources.live.settings import Settings
from jobs.sources.page import DAY_US, Note
from tests.jobs.sources.jetstream_server import BEGIN, DAY, LATER, TEXT, Jetstream, event, running
from tests.jobs.sources.killed import recorded

SHY, OTHER = "did:plc:u3", "did:plc:u5"
NEXT = DAY + timedelta(days=1)
EACH = 480  # events of a day


def profile(hours: float, *labels: str, **changed: Any) -> dict[str, Any]:
    values = [{"val": label} for label in labels]
    record = {"displayName": "Shy", "description": TEXT, "labels": {"values": values}}
    commit = {"operation": "update", "collection": "app.bsky.actor.profile", "rkey": "self", "record": record} | changed
    return {"did": SHY, "time_us": BEGIN + int(hours * DAY_US / 24), "kind": "commit", "commit": commit}


class Network(Jetstream):
    """Sends the made events of three days and those in `more`, of the wanted accounts only if the client asks for some."""

    more: tuple[dict[str, Any], ...] = ()

    def messages(self, cursor: int) -> Iterator[str]:
        events = [*(event(number) for number in range(-50, 3 * EACH + 50)), *self.more]
        events.sort(key=lambda each: each["time_us"])
        yield from (json.dumps(each) for each in events if each["time_us"] >= cursor)


@pytest.fixture
def server() -> Iterator[Network]:
    network = Network()
    network.clock = LATER + 3 * 86_400
    with running(network):
        yield network


def opened(server: Jetstream, landing: Path, **ask: Any) -> BlueskySource:
    return BlueskySource(Settings(id="bsky", landing=landing, ask={"host": server.url} | ask))


def pulled(source: BlueskySource, day: date = DAY) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """The acts, accounts and notes of a day."""
    pages = list(source.pages(day, day))
    acts = [act for page in pages for act in page.acts.to_pylist()]
    accounts = [row["account_id"] for page in pages for row in page.accounts.to_pylist()]
    return acts, accounts, [note.reason for page in pages for note in page.notes]


def actors(source: BlueskySource, day: date = DAY) -> set[str]:
    return {act["actor_id"] for act in pulled(source, day)[0]}


def recorded_acts(landing: Path, day: date) -> int:
    lines = [
        line
        for path in recorded(landing / "bsky" / str(day))
        for line in zstd.decompress(path.read_bytes()).split(b"\n")
    ]
    return sum(SHY.encode() in line and b"app.bsky.feed" in line for line in lines)


ASKED = f"1 accounts {bluesky_wishes.UNWILLING}, and are left out"


def test_who_asks_for_it_is_left_out_on_that_day_and_not_recorded_on_later_ones(
    server: Network, tmp_path: Path
) -> None:
    server.more = (profile(20, LABEL, "bot"),)
    acts, accounts, notes = pulled(opened(server, tmp_path))
    assert {act["actor_id"] for act in acts} == {f"did:plc:u{number}" for number in range(7) if number != 3}
    assert (accounts, notes) == ([], [ASKED])
    assert recorded_acts(tmp_path, DAY) > 0
    assert SHY not in actors(opened(server, tmp_path), NEXT)
    assert recorded_acts(tmp_path, NEXT) == 0
    assert pulled(opened(server, tmp_path), NEXT)[2] == [ASKED]


def test_what_others_do_to_them_is_left_out_too(server: Network, tmp_path: Path) -> None:
    towards = event(0)["commit"] | {"rkey": "shy", "record": {"subject": {"uri": f"at://{SHY}/app.bsky.feed.post/1"}}}
    server.more = (profile(20, LABEL), event(0) | {"did": OTHER, "commit": towards})
    acts, _, _ = pulled(opened(server, tmp_path))
    assert SHY not in {act["target_id"] for act in acts}
    assert OTHER in {act["actor_id"] for act in acts}
    everybody, accounts, notes = pulled(opened(server, tmp_path / "all", only="all"))
    assert {SHY} <= {act["target_id"] for act in everybody} & {act["actor_id"] for act in everybody}
    assert (accounts, notes) == ([SHY], [])


@pytest.mark.parametrize(
    "later",
    [profile(26), profile(26, "bot"), profile(26, operation="delete", record=None)],
    ids=["no label", "another label", "deleted"],
)
def test_a_later_profile_without_the_label_ends_the_wish(
    server: Network, tmp_path: Path, later: dict[str, Any]
) -> None:
    server.more = (profile(20, LABEL), later)
    assert SHY not in actors(opened(server, tmp_path))
    actors(opened(server, tmp_path), NEXT)
    assert (tmp_path / "bsky" / str(NEXT) / FILE).read_text() == ""
    assert SHY in actors(opened(server, tmp_path), NEXT + timedelta(days=1))


@pytest.mark.parametrize(
    ("more", "is_shy"),
    [
        ((profile(10, LABEL), profile(11)), False),
        ((profile(11, LABEL), profile(10)), True),
        ((profile(10, LABEL, rkey="other"),), False),
        ((profile(10, LABEL) | {"did": "no did"},), False),
        ((profile(10, record={"labels": LABEL}),), False),
    ],
    ids=["taken back", "set last", "another record", "no account", "odd labels"],
)
def test_the_last_profile_of_the_day_decides(
    server: Network, tmp_path: Path, more: tuple[dict[str, Any], ...], is_shy: bool
) -> None:
    server.more = more
    assert (SHY not in actors(opened(server, tmp_path))) is is_shy


def test_what_they_take_back_still_counts(server: Network, tmp_path: Path) -> None:
    """The like of the day before the wish is deleted after it."""
    like = next(number for number in range(0, EACH, 4) if event(number)["did"] == SHY)
    commit = {"operation": "delete", "collection": "app.bsky.feed.like", "rkey": f"k{like}"}
    deleted = event(like) | {"time_us": BEGIN + 2 * DAY_US + DAY_US // 2, "commit": commit}
    server.more = (profile(30, LABEL), deleted)
    source = opened(server, tmp_path)
    assert SHY in actors(source)
    for days in (1, 2):
        actors(source, DAY + timedelta(days=days))
    assert source.withdrawals(DAY + timedelta(days=2)).acts == [(f"at://{SHY}/app.bsky.feed.like/k{like}", SHY)]


def test_the_same_night_twice_gives_the_same_rows(server: Network, tmp_path: Path) -> None:
    server.more = (profile(20, LABEL),)
    first = [pulled(opened(server, tmp_path), day) for day in (DAY, NEXT)]
    server.asked.clear()
    assert [pulled(opened(server, tmp_path), day) for day in (DAY, NEXT)] == first
    assert server.asked == []


def test_in_a_population_they_make_the_day_partial(server: Network, tmp_path: Path) -> None:
    server.more = (profile(20, LABEL),)
    source = opened(server, tmp_path, actors=[SHY, OTHER])
    pages = list(source.pages(DAY, DAY))
    reason = f"1 of 2 accounts: {bluesky_wishes.UNWILLING}"
    assert [note for page in pages for note in page.notes] == [Note(reason, True, DAY, lasting=True)]
    assert {act["actor_id"] for page in pages for act in page.acts.to_pylist()} == {OTHER}
