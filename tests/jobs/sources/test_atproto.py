"""A day of a real AT Protocol network of four invented people: its rows are what they did.

`atproto/events.jsonl` is what a personal data server of the reference implementation sent, in the form of Jetstream: its
firehose (`com.atproto.sync.subscribeRepos`) was translated event by event. `time_us` is the firehose's `time`; the other values
are as they came. What was done, in this order:

    ana, bo, cy, dee    open accounts; ana, bo and cy write profiles: bo is labelled `bot`, cy `!no-unauthenticated`
    ana, bo             post "first words", "second words"
    bo, cy              answer "first words" with "an answer", and that with "an answer to it"
    ana, dee            quote "second words"; mention ana and bo
    bo, dee, ana        like "first words" twice, "second words" once
    ana, bo             repost "second words", "quoting"
    ana, bo, dee        follow bo, ana, ana; ana blocks dee
    bo                  posts "regretted", then deletes it; bo and ana delete a like, a repost and a follow
    ana, bo             changes her profile and handle; likes "quoting"
    dee                 is deleted, with all that dee did
    cy                  posts "the last words"
"""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from jobs import pull_activity
from jobs.sources import bluesky
from jobs.sources.page import DAY_US
from jobs.sources.spec import LiveOptions, SourceSpec, parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.jetstream_server import BEGIN, DAY, Jetstream, running

EARLIER_US = (date(2026, 11, 29) - DAY).days * DAY_US  # from the day of the recording to one that is over
RECORDED = Path(__file__).with_name("atproto").joinpath("events.jsonl").read_text(encoding="utf-8").splitlines()
EVENTS = [each | {"time_us": each["time_us"] - EARLIER_US} for each in map(json.loads, RECORDED)]
IDLE = {"did": "did:plc:z", "kind": "identity", "identity": {}}
PEOPLE = {
    "did:plc:gxfjlk66sfwdcd3fmwjedz64": "ana",
    "did:plc:svq7rsipvfhto2oqeytelcok": "bo",
    "did:plc:m22w2b7bcp5w7szi2ckz4yqf": "cy",
    "did:plc:yboguovxqcwoyr57ox4kh4aj": "dee",
}
OF_CY = [("reply", "cy", "bo", "an answer"), ("post", "cy", "cy", None)]
OF_OTHERS = [
    ("post", "ana", "ana", None),  # "first words"
    ("post", "ana", "ana", None),  # "quoting"
    ("post", "bo", "bo", None),
    ("reply", "bo", "ana", "first words"),
    ("quote", "ana", "bo", "second words"),
    ("like", "ana", "bo", "second words"),
    ("reshare", "bo", "ana", "quoting"),
    ("follow", "ana", "bo", None),
    ("like", "bo", "ana", "quoting"),
]


class Network(Jetstream):
    """Sends the recorded events, between one at the day's begin and one a day after its end."""

    def messages(self, cursor: int) -> Iterator[str]:
        begin, end = ({**IDLE, "time_us": BEGIN + days * DAY_US} for days in (0, 2))
        yield from (json.dumps(each) for each in (begin, *EVENTS, end) if each["time_us"] >= cursor)


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    with running(made):
        yield made


def pull(warehouse: Warehouse, spec: SourceSpec, day: date) -> list[pull_activity.Pulled]:
    return pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=day, last_day=day), Batch("test"))


def asking(network: Network, only: str) -> SourceSpec:
    (spec,) = parse_specs([f"bsky:bluesky={network.url}"])
    return replace(spec, options=LiveOptions(ask={"host": network.url, "only": only}))


def acts(warehouse: Warehouse) -> list[tuple[str, str, str, str | None]]:
    """The day's acts: kind, actor, target, and the words of the post that it is about."""
    words = {
        f"at://{each['did']}/app.bsky.feed.post/{each['commit']['rkey']}": each["commit"]["record"]["text"]
        for each in EVENTS
        if "text" in each.get("commit", {}).get("record", {})
    }
    rows = warehouse.read(ACTIVITY, {"day": DAY}).to_pylist()
    return [
        (row["kind"], PEOPLE[row["actor_id"]], PEOPLE[row["target_id"]], words.get(row["object_id"])) for row in rows
    ]


@pytest.mark.parametrize(("only", "expected"), [("all", OF_OTHERS + OF_CY), ("opted-in", OF_OTHERS)])
def test_the_rows_of_a_real_network_are_what_was_done(
    network: Network, warehouse: Warehouse, only: str, expected: list[tuple[str, str, str, str | None]]
) -> None:
    (pulled,) = pull(warehouse, asking(network, only), DAY)
    assert sorted(acts(warehouse), key=str) == sorted(expected, key=str)
    assert (pulled.rejected_count, pulled.unresolved_count, pulled.repeated_count) == (0, 0, 0)
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert coverage["status"] == "complete"


def test_the_accounts_of_a_real_network_are_their_last_profiles(network: Network, warehouse: Warehouse) -> None:
    pull(warehouse, asking(network, "all"), DAY)
    rows = warehouse.read(ACCOUNTS, {"day": DAY}).to_pylist()
    found = {PEOPLE[row["account_id"]]: (row["display_name"], row["is_bot"]) for row in rows}
    assert found == {"ana": ("Ana again", False), "bo": ("Bo, a machine", True), "cy": ("Cy", False)}


def test_a_running_network_is_pulled_up_to_now(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of one's own is silent for long, and its recorded acts stay when the day goes on."""
    url = os.environ.get("CLOUT_TEST_ATPROTO")
    if not url:
        pytest.skip("set CLOUT_TEST_ATPROTO to the URL of a Jetstream server (ws://...) of a network of your own")
    monkeypatch.setattr(bluesky, "SILENCE_S", 1)
    monkeypatch.setattr(bluesky, "MOST_FAILURES", 2)
    (spec,) = parse_specs([f"bsky:bluesky={url}"])
    today = datetime.now(UTC).date()
    (pulled,) = pull(warehouse, spec, today)
    before = {row["activity_id"] for row in warehouse.read(ACTIVITY, {"day": today}).to_pylist()}
    assert before
    assert pulled.rejected_count == 0
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert coverage["status"] == "partial"
    pull(warehouse, spec, today)
    assert before <= {row["activity_id"] for row in warehouse.read(ACTIVITY, {"day": today}).to_pylist()}
