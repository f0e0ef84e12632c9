"""Entities of Mastodon: what is recorded of each, and what it becomes."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
import pytest

from jobs.sources import activitystreams, mastodon_entities
from jobs.sources.live.bodies import Answer
from jobs.sources.live.http import Api
from jobs.sources.mastodon import parse
from jobs.sources.mastodon_entities import Wishes, act_id, kept_account, kept_status
from jobs.sources.mastodon_people import People
from jobs.sources.page import Account, Act, Author, Ignored, Record, Rejected, Unresolved
from jobs.sources.values import derived_id, json_object
from tests.jobs.sources.conftest import Survives
from tests.jobs.sources.mastodon_instance import ANA, BO, CY, at, mention, micros, reblog, reply_to, status


def recorded_line(entity: dict[str, Any], **added: Any) -> bytes:
    return orjson.dumps({**(kept_status(entity, "home.example", Wishes(False)) or {}), **added})


T = micros(1)
ANA_ACCOUNT = Account(ANA["uri"], T, "ana@home.example", "Ana", micros(0, date(2020, 1, 1)), 7, 3, False)
POST = status(10, ANA, at(1))
NAME = POST["uri"]


@pytest.mark.parametrize(
    ("changed", "added", "records"),
    [
        ({}, {}, [Act("post", ANA["uri"], ANA["uri"], T, NAME)]),
        (
            {"in_reply_to_id": "9", "in_reply_to_account_id": "3"},
            {"in_reply_to": {"author": CY["uri"], "status": "https://far.example/9"}},
            [Act("reply", ANA["uri"], CY["uri"], T, NAME, "https://far.example/9")],
        ),
        (
            {"in_reply_to_id": "9", "in_reply_to_account_id": "3"},
            {"in_reply_to": {"author": None}},
            [Unresolved("reply: does not say whom it was about", T), Act("post", ANA["uri"], ANA["uri"], T, NAME)],
        ),
        (
            {},
            {"mentions": [{"id": "3", "uri": CY["uri"]}, {"id": "9", "uri": None}]},
            [
                Act("mention", ANA["uri"], CY["uri"], T, NAME),
                Unresolved("mention: does not say whom it was about", T),
                Act("post", ANA["uri"], ANA["uri"], T, NAME),
            ],
        ),
        (
            {"quote": {"state": "accepted", "quoted_status": status(9, CY, at(0))}},
            {},
            [
                Act("quote", ANA["uri"], CY["uri"], T, NAME, f"{CY['uri']}/statuses/9"),
                Act("post", ANA["uri"], ANA["uri"], T, NAME),
            ],
        ),
        (
            {"quote": {"state": "pending", "quoted_status": status(9, CY, at(0))}},
            {},
            [Act("post", ANA["uri"], ANA["uri"], T, NAME)],
        ),
        (
            {"quote": {"state": "accepted", "quoted_status_id": "9"}},
            {},
            [Act("post", ANA["uri"], ANA["uri"], T, NAME)],
        ),
        (
            {"quote": {"state": "accepted", "quoted_status": status(9, CY | {"noindex": True}, at(0))}},
            {},
            [Act("post", ANA["uri"], ANA["uri"], T, NAME)],
        ),
    ],
    ids=[
        "post",
        "reply",
        "reply to nobody known",
        "mentions",
        "quote",
        "quote without consent",
        "quote without status",
        "quote of the unwilling",
    ],
)
def test_what_a_status_becomes(changed: dict[str, Any], added: dict[str, Any], records: list[Record]) -> None:
    assert list(parse(recorded_line(POST | changed, **added))) == [ANA_ACCOUNT, Author(NAME, ANA["uri"]), *records]


def test_a_reblog_becomes_a_reshare_with_the_id_of_its_announce() -> None:
    line = recorded_line(reblog(17, BO, POST, at(1)))
    _, act = parse(line)
    assert act == Act("reshare", BO["uri"], ANA["uri"], T, f"{BO['uri']}/statuses/17/activity", NAME)


@pytest.mark.parametrize(
    ("kind", "records"),
    [
        ("favourite", [Act("like", CY["uri"], ANA["uri"], T, act_id("like", CY["uri"], NAME), NAME)]),
        ("reblog", [Act("reshare", CY["uri"], ANA["uri"], T, act_id("reshare", CY["uri"], NAME), NAME)]),
        ("follow", [Act("follow", CY["uri"], ANA["uri"], T, derived_id(CY["uri"], ANA["uri"], T))]),
        ("poll", [Ignored(T, unknown="poll")]),
    ],
)
def test_what_a_notification_becomes(kind: str, records: list[Record]) -> None:
    made = {"id": "1", "type": kind, "created_at": at(1), "account": CY, "status": POST}
    line = orjson.dumps(mastodon_entities.kept_notification(made, ANA["uri"], "home.example"))
    assert [record for record in parse(line) if not isinstance(record, Account)] == records


@pytest.mark.parametrize("audience", ["private", "direct", "limited", 7, None])
def test_what_is_not_public_scores_nothing(audience: str | int | None) -> None:
    made = {"type": "favourite", "created_at": at(1), "account": CY, "me": ANA["uri"], "status": POST}
    for entity in (POST, reblog(17, BO, POST, at(1)) | {"mentions": []}, made):
        hidden = json.loads(json.dumps(entity))
        for one in (hidden, hidden.get("reblog"), hidden.get("status")):
            if one and "visibility" in one:
                one["visibility"] = audience
        assert parse(orjson.dumps(hidden)) in ((Ignored(T),), [Ignored(T)])


def test_counts_of_followers_are_left_out_where_collections_are_hidden() -> None:
    shy = kept_account(ANA | {"hide_collections": True}, "home.example")
    assert not shy.keys() & {"followers_count", "following_count"}
    assert kept_account(ANA, "home.example")["followers_count"] == 7


@pytest.mark.parametrize(
    ("changed", "may_ask", "may_appear"),
    [
        ({}, True, True),
        ({"discoverable": None}, False, True),
        ({"discoverable": False}, False, False),
        ({"noindex": True}, False, False),
        ({"limited": True}, False, False),
        ({"suspended": True}, False, False),
    ],
)
def test_wishes(changed: dict[str, Any], may_ask: bool, may_appear: bool) -> None:
    wishes = Wishes(everybody=False)
    assert (wishes.may_ask(ANA | changed), wishes.may_appear(ANA | changed)) == (may_ask, may_appear)
    assert Wishes(everybody=True).may_ask(ANA | changed)


def test_hostile_lines_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    listed = {"name": CY["uri"], "at": T, "kind": "like", "object": NAME, "author": ANA["uri"]}
    noted = mastodon_entities.kept_notification(
        {"type": "favourite", "created_at": at(1), "account": CY, "status": POST}, "m", "h"
    )
    quoting = POST | {"quote": {"state": "accepted", "quoted_status": POST}, "mentions": [mention(CY)]}
    lines = [
        recorded_line(quoting),
        recorded_line(reblog(1, BO, POST, at(1))),
        orjson.dumps(listed),
        orjson.dumps(noted),
    ]
    survives(parse, [*lines, orjson.dumps(POST)])


class Nobody(Api):
    """An instance that answers nonsense about people."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def get(self, path: str, params: Any = None, etag: str | None = None) -> Answer:
        return Answer(self.answer, None)


@pytest.mark.parametrize("answer", [{}, [7, {"id": []}, {"id": "3", "uri": 7}]])
def test_hostile_entities_are_recorded_and_nothing_breaks(
    survives: Survives, answer: dict[str, Any] | list[int | dict[str, Any]]
) -> None:
    wishes = Wishes(False)

    def record(line: bytes) -> Sequence[Record]:
        entity = json_object(line)
        people = People(Nobody(answer), wishes)
        people.see(entity)
        kept = kept_status(entity, "home.example", wishes)
        people.resolve([kept] if kept else [])
        noted = mastodon_entities.kept_notification(entity, ANA["uri"], "home.example")
        lines = [json.dumps(one).encode() for one in (kept, noted) if one]
        return [found for line in lines for found in parse(line)]

    quoting = POST | {
        "quote": {"state": "accepted", "quoted_status": POST},
        "mentions": [mention(CY)],
        **reply_to(POST),
    }
    notified = {"type": "favourite", "created_at": at(1), "account": CY, "status": POST}
    survives(record, [json.dumps(one).encode() for one in (quoting, reblog(1, BO, POST, at(1)), notified)])


@pytest.mark.parametrize(
    "odd", [None, 7, [], {}, {"account": []}, {"mentions": [7], "account": 8}, {"reblog": 7}, {"quote": []}]
)
def test_an_odd_status_is_recorded_and_rejected(odd: object) -> None:
    kept = kept_status(odd, "home.example", Wishes(False))
    with pytest.raises(Rejected):
        parse(orjson.dumps(kept))


def test_an_inbox_that_reports_the_same_acts_gives_the_same_ids() -> None:
    """So that an act which both sources report on one platform counts once."""
    answer = POST | {"in_reply_to_id": "9", "in_reply_to_account_id": "3"}
    to = {"author": CY["uri"], "status": f"{CY['uri']}/statuses/9"}
    said = parse(recorded_line(answer, in_reply_to=to, mentions=[{"id": "3", "uri": CY["uri"]}]))
    note = {
        "id": NAME,
        "type": "Note",
        "attributedTo": ANA["uri"],
        "inReplyTo": {"id": to["status"], "type": "Note", "attributedTo": CY["uri"]},
        "tag": [{"type": "Mention", "href": CY["uri"]}],
        "to": ["as:Public"],
    }
    create = {"id": f"{NAME}/activity", "type": "Create", "actor": ANA["uri"], "published": at(1), "object": note}
    handed_on = parse(recorded_line(reblog(17, BO, POST, at(1))))
    announce = {
        "id": f"{BO['uri']}/statuses/17/activity",
        "type": "Announce",
        "actor": BO["uri"],
        "published": at(1),
        "object": note,
        "to": ["as:Public"],
    }
    for records, activity in ((said, create), (handed_on, announce)):
        acts = {record for record in records if isinstance(record, Act | Author)}
        assert acts == set(activitystreams.parse(orjson.dumps(activity)))
