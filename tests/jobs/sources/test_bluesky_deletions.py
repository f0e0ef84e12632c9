"""Acts that Bluesky takes back on later days, through the whole pull: the day to which they belong loses them."""

import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs import pull_activity
from jobs.places import landing
from jobs.sources.page import DAY_US
from jobs.sources.spec import parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.runs import RUNS
from tests.jobs.sources.jetstream_server import BEGIN, DAY, WHOLE, Jetstream, running

NEXT = DAY + timedelta(days=1)
LIKES = sorted(number for number in WHOLE if number % 4 == 0)
GONE = "did:plc:u3"


def deleted(number: int, hours: float) -> dict[str, Any]:
    """Takes back the like of this number, this many hours after DAY began."""
    commit = {"operation": "delete", "collection": "app.bsky.feed.like", "rkey": f"k{number}", "rev": "r"}
    return {
        "did": f"did:plc:u{number % 7}",
        "time_us": BEGIN + int(hours * DAY_US / 24),
        "kind": "commit",
        "commit": commit,
    }


def account(hours: float, *, active: bool) -> dict[str, Any]:
    state = {"active": active, "did": GONE} | ({} if active else {"status": "deleted"})
    return {"did": GONE, "time_us": BEGIN + int(hours * DAY_US / 24), "kind": "account", "account": state}


class Network(Jetstream):
    """Also sends the events in `more`, and an event three weeks later, so that every day ends."""

    more: tuple[dict[str, Any], ...] = ()

    def messages(self, cursor: int) -> Iterator[str]:
        last = {"did": "did:plc:z", "time_us": BEGIN + 21 * DAY_US, "kind": "identity", "identity": {}}
        events = [*map(json.loads, super().messages(cursor)), *self.more, last]
        events.sort(key=lambda each: each["time_us"])
        yield from (json.dumps(each) for each in events if each["time_us"] >= cursor)


@pytest.fixture
def server() -> Iterator[Network]:
    network = Network()
    network.clock = (BEGIN + 20 * DAY_US) / 1e6
    with running(network):
        yield network


def params(server: Network, first: date, last: date | None = None) -> pull_activity.Params:
    (spec,) = parse_specs([f"bsky:bluesky={server.url}"])
    return pull_activity.Params(source=spec, first_day=first, last_day=last or first)


def pull(server: Network, warehouse: Warehouse, first: date, last: date | None = None) -> None:
    pull_activity.run(warehouse, params(server, first, last), Batch("test"))


def acts(warehouse: Warehouse, day: date = DAY) -> set[int]:
    ids = warehouse.read(ACTIVITY, {"day": day})["activity_id"].to_pylist()
    return {int(name.rpartition("/k")[2]) for name in ids}


def digests(warehouse: Warehouse) -> dict[date, str]:
    return {row["day"]: row["activity_digest"] for row in warehouse.read(COVERAGE).to_pylist()}


def test_an_act_that_is_taken_back_on_a_later_day_leaves_the_day_it_belongs_to(
    server: Network, warehouse: Warehouse
) -> None:
    server.more = (deleted(LIKES[3], 30), deleted(LIKES[5], 25), deleted(LIKES[7], 23), deleted(9999, 30))
    pull(server, warehouse, DAY)
    assert acts(warehouse) == WHOLE - {LIKES[7]}
    before, asked = digests(warehouse), len(server.asked)
    pull(server, warehouse, NEXT)
    assert acts(warehouse) == WHOLE - {LIKES[3], LIKES[5], LIKES[7]}
    assert digests(warehouse)[DAY] != before[DAY]  # which makes the scores that counted it stale
    assert len(server.asked) == asked + 1  # the earlier day is read from its recording
    (row,) = warehouse.read(COVERAGE, {"day": DAY}).to_pylist()
    assert (row["act_count"], row["status"]) == (warehouse.row_count(ACTIVITY, {"day": DAY}), "complete")


def test_any_order_of_pulls_gives_the_same_rows(server: Network, warehouse: Warehouse, tmp_path: Path) -> None:
    server.more = (deleted(LIKES[3], 30), deleted(LIKES[4], 24 * 3 + 1), account(40, active=False))
    pull(server, warehouse, DAY)
    pull(server, warehouse, NEXT)
    pull(server, warehouse, DAY + timedelta(days=3))
    expected = acts(warehouse)
    assert LIKES[4] not in expected
    orders: dict[str, list[tuple[date, ...]]] = {
        "backwards": [(DAY + timedelta(days=3),), (NEXT,), (DAY,)],
        "a range": [(DAY + timedelta(days=3),), (DAY, NEXT)],
    }
    for name, spans in orders.items():
        other = Warehouse(str(tmp_path / name))
        other.create_tables()
        for span in spans:
            pull(server, other, *span)
        assert (acts(other), digests(other)) == (expected, digests(warehouse)), name
    pull(server, warehouse, DAY)
    assert acts(warehouse) == expected


def test_what_an_account_did_goes_when_it_is_deleted_and_what_others_did_stays(
    server: Network, warehouse: Warehouse
) -> None:
    server.more = (account(30, active=False),)
    pull(server, warehouse, DAY)
    assert GONE in warehouse.read(ACTIVITY, {"day": DAY})["actor_id"].to_pylist()
    pull(server, warehouse, NEXT)
    rows = warehouse.read(ACTIVITY, {"day": DAY})
    assert GONE not in rows["actor_id"].to_pylist()
    assert acts(warehouse) == {number for number in WHOLE if number % 7 != 3}


def test_an_account_that_is_back_by_the_end_of_the_day_keeps_its_acts(server: Network, warehouse: Warehouse) -> None:
    server.more = (account(30, active=False), account(31, active=True))
    pull(server, warehouse, DAY)
    pull(server, warehouse, NEXT)
    assert acts(warehouse) == WHOLE


@pytest.mark.parametrize(("days", "stays"), [(7, False), (8, True)])
def test_acts_are_taken_back_within_the_days_of_the_settings(
    server: Network, warehouse: Warehouse, days: int, stays: bool
) -> None:
    server.more = (deleted(LIKES[0], 24 * days + 1),)
    pull(server, warehouse, DAY)
    pull(server, warehouse, DAY + timedelta(days=days))
    assert (LIKES[0] in acts(warehouse)) is stays


def test_nothing_is_asked_for_a_day_whose_recording_is_gone(
    server: Network, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    server.more = (deleted(LIKES[0], 30),)
    pull(server, warehouse, DAY)
    shutil.rmtree(landing(warehouse.root) / "bsky" / str(DAY))
    asked = len(server.asked)
    pull(server, warehouse, NEXT)
    assert LIKES[0] in acts(warehouse)
    assert len(server.asked) == asked + 1
    assert f"bsky {DAY}: its recording is gone" in caplog.text


def test_a_pull_that_dies_in_between_does_it_again(
    server: Network, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.more = (deleted(LIKES[0], 30),)
    pull(server, warehouse, DAY)
    with monkeypatch.context() as patch:
        patch.setattr(pull_activity, "affected_days", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pull(server, warehouse, NEXT)
    assert LIKES[0] in acts(warehouse)
    assert acts(warehouse, NEXT) == set()
    pull(server, warehouse, NEXT)
    assert LIKES[0] not in acts(warehouse)


def test_the_run_of_the_earlier_day_is_on_record(server: Network, warehouse: Warehouse) -> None:
    server.more = (deleted(LIKES[0], 30),)
    pull(server, warehouse, DAY)
    pull(server, warehouse, NEXT)
    runs = [(row["day"], row["status"]) for row in warehouse.read(RUNS).sort_by("started_at").to_pylist()]
    assert runs == [(DAY, "done"), (NEXT, "done"), (DAY, "done")]
