"""Bluesky's events, and what they do to whom."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from jobs.sources.jetstream import TARGET_BY_HANDLE, JetstreamSource, parse
from jobs.sources.page import Account, Act, Ignored, Record, Rejected, Undo, Unresolved
from jobs.sources.values import NO_TIME
from tests.fixture_types import FindFile
from tests.jobs.sources.conftest import CountPages, Survives, Totals

NOON = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * 1_000_000
ANA, BO, CLEO, DAN = "did:plc:ana", "did:plc:bo", "did:web:cleo.example", "did:plc:dan"
POST = f"at://{BO}/app.bsky.feed.post/1"
QUOTED = f"at://{CLEO}/app.bsky.feed.post/2"
OWN = f"at://{ANA}/app.bsky.feed.post/9"


def event(commit: dict | None = None, **more: Any) -> dict:
    return {"did": ANA, "time_us": NOON, "kind": "commit", "commit": commit} | more


def created(collection: str, record: object) -> dict:
    return event({"operation": "create", "collection": collection, "rkey": "9", "record": record})


def post(**record: Any) -> dict:
    return created("app.bsky.feed.post", {"text": "", "createdAt": "1970-01-01T00:00:00Z"} | record)


def mention(account: object) -> dict:
    return {"features": [{"$type": "app.bsky.richtext.facet#mention", "did": account}]}


REPLY = {"root": {"uri": QUOTED}, "parent": {"uri": POST}}
QUOTE = {"$type": "app.bsky.embed.record", "record": {"uri": QUOTED}}
QUOTE_WITH_PICTURE = {"$type": "app.bsky.embed.recordWithMedia", "record": {"record": {"uri": QUOTED}}, "media": {}}
LIKE = created("app.bsky.feed.like", {"subject": {"uri": POST}, "via": {"uri": QUOTED}})
FOLLOW = created("app.bsky.graph.follow", {"subject": BO})
DELETE = event({"operation": "delete", "collection": "app.bsky.feed.like", "rkey": "9"})
RICH = post(reply=REPLY, embed=QUOTE_WITH_PICTURE, facets=[mention(BO), mention(DAN)])


def parsed(line: dict) -> list[Record]:
    return list(parse(orjson.dumps(line)))


@pytest.mark.parametrize(("collection", "kind"), [("app.bsky.feed.like", "like"), ("app.bsky.feed.repost", "reshare")])
def test_acts_on_a_post_are_about_whose_repository_it_is_in(collection: str, kind: str) -> None:
    own = f"at://{ANA}/{collection}/9"
    assert parsed(created(collection, {"subject": {"uri": POST}})) == [Act(kind, ANA, BO, NOON, own, POST)]


def test_a_follow_names_its_target() -> None:
    assert parsed(FOLLOW) == [Act("follow", ANA, BO, NOON, f"at://{ANA}/app.bsky.graph.follow/9")]


def test_what_a_post_is() -> None:
    own_post = Act("post", ANA, ANA, NOON, OWN)
    reply = Act("reply", ANA, BO, NOON, OWN, POST)
    quote = Act("quote", ANA, CLEO, NOON, OWN, QUOTED)
    assert parsed(post()) == [own_post]  # at the server's time, whatever the client says
    assert parsed(post(reply=REPLY)) == [reply]
    assert parsed(post(embed=QUOTE)) == [quote, own_post]
    assert parsed(post(embed={"$type": "app.bsky.embed.images"})) == [own_post]
    assert parsed(post(facets=[mention(DAN)])) == [Act("mention", ANA, DAN, NOON, OWN), own_post]
    assert parsed(RICH) == [reply, quote, Act("mention", ANA, BO, NOON, OWN), Act("mention", ANA, DAN, NOON, OWN)]


@pytest.mark.parametrize(
    "collection", ["app.bsky.feed.like", "app.bsky.feed.repost", "app.bsky.feed.post", "app.bsky.graph.follow"]
)
def test_a_deletion_takes_back_what_its_record_did(collection: str) -> None:
    assert parsed(event({"operation": "delete", "collection": collection, "rkey": "9"})) == [
        Ignored(NOON),
        Undo(f"at://{ANA}/{collection}/9", ANA, NOON),
    ]


@pytest.mark.parametrize(
    "line",
    [
        event(kind="account", account={"active": False}),
        event(kind="identity", identity={}),
        event(kind="identity", identity={"handle": "handle.invalid"}),
        created("app.bsky.actor.profile", {"displayName": "Ana"}),  # the account's own has the key `self`
        created("app.bsky.graph.block", {"subject": BO}),
        created("fm.example.status", None),  # of another application
        event({"operation": "update", "collection": "app.bsky.feed.post", "rkey": "9", "record": {}}),
        event({"operation": "delete", "collection": "app.bsky.graph.block", "rkey": "9"}),
    ],
)
def test_what_scores_nothing_is_ignored(line: dict[str, Any]) -> None:
    assert parsed(line) == [Ignored(NOON)]


def test_an_identity_gives_a_handle() -> None:
    line = event(kind="identity", identity={"handle": "ana.example"})
    assert parsed(line) == [Ignored(NOON), Account(ANA, NOON, handle="ana.example")]


def test_an_address_by_handle_names_no_known_target() -> None:
    by_handle = "at://bo.example/app.bsky.feed.post/1"
    assert parsed(created("app.bsky.feed.like", {"subject": {"uri": by_handle}})) == [
        Unresolved(TARGET_BY_HANDLE, NOON)
    ]
    assert parsed(post(reply={"parent": {"uri": by_handle}})) == [
        Unresolved(TARGET_BY_HANDLE, NOON),
        Act("post", ANA, ANA, NOON, OWN),
    ]


def test_an_act_without_a_time_is_unresolved() -> None:
    assert parsed(LIKE | {"time_us": None}) == [Unresolved(NO_TIME, None)]


@pytest.mark.parametrize(
    ("line", "reason", "occurred_at"),
    [
        (LIKE | {"time_us": NOON // 1_000_000}, "time is out of range", None),
        (LIKE | {"did": None}, "actor is missing", NOON),
        (LIKE | {"did": "ana.example"}, "actor is not a DID", NOON),
        (LIKE | {"did": 7}, "actor is not a DID", NOON),
        (LIKE | {"did": 7.5}, "actor id is neither a string nor a number", NOON),
        (event(kind="gossip"), "kind is none of commit, identity, account, sync", NOON),
        (event(None), "collection is missing", NOON),
        (event({"collection": "likes", "operation": "create"}), "collection is not an NSID", NOON),
        (event({"collection": "app.bsky.feed.like"}), "operation is none of create, update, delete", NOON),
        (event({"collection": "app.bsky.feed.like", "operation": "create"}), "rkey is missing", NOON),
        (created("app.bsky.feed.post", None), "record is not an object", NOON),
        (created("app.bsky.feed.like", {}), "subject is missing", NOON),
        (created("app.bsky.feed.like", {"subject": {"uri": "https://x"}}), "subject is not an at:// address", NOON),
        (created("app.bsky.feed.like", {"subject": {"uri": "at://did:x"}}), "subject is not a DID", NOON),
        (created("app.bsky.graph.follow", {"subject": "bo.example"}), "subject is not a DID", NOON),
    ],
)
def test_faults(line: dict[str, Any], reason: str, occurred_at: int | None) -> None:
    with pytest.raises(Rejected) as fault:
        parsed(line)
    assert (fault.value.reason, fault.value.occurred_at) == (reason, occurred_at)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"reply": {"parent": {}}}, "reply: subject is missing"),
        ({"embed": {"$type": "app.bsky.embed.record"}}, "quote: subject is missing"),
        ({"facets": [mention(None)]}, "mention: subject is missing"),
        ({"facets": [mention("bo.example")]}, "mention: subject is not a DID"),
    ],
)
def test_what_names_nobody_in_a_post_leaves_the_rest_of_it_in(part: dict[str, Any], reason: str) -> None:
    assert parsed(post(**part)) == [Unresolved(reason, NOON), Act("post", ANA, ANA, NOON, OWN)]
    if "reply" not in part:
        assert parsed(post(reply=REPLY, **part)) == [Act("reply", ANA, BO, NOON, OWN, POST), Unresolved(reason, NOON)]


def profile(operation: str, record: object = None) -> dict:
    return event({"operation": operation, "collection": "app.bsky.actor.profile", "rkey": "self", "record": record})


def labelled(*values: str) -> dict:
    return {"labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": value} for value in values]}}


@pytest.mark.parametrize(
    ("line", "account"),
    [
        (profile("create", {"displayName": "Ana", **labelled("bot")}), Account(ANA, NOON, None, "Ana", is_bot=True)),
        (profile("update", labelled("!no-unauthenticated", "bot")), Account(ANA, NOON, is_bot=True)),
        (profile("update", labelled("porn")), Account(ANA, NOON, is_bot=False)),  # no longer
        (profile("update", {"displayName": "Ana"}), Account(ANA, NOON, None, "Ana", is_bot=False)),
        (profile("delete"), Account(ANA, NOON, is_bot=False)),
        (profile("create", {"labels": 7}), Account(ANA, NOON, is_bot=False)),
    ],
)
def test_an_account_says_of_itself_that_it_is_a_bot(line: dict[str, Any], account: Account) -> None:
    assert parsed(line) == [Ignored(NOON), account]


NOON_TEXT = "2026-11-03T12:00:00.000000Z"


def second_wire(kind: str, **more: Any) -> dict:
    return {"$type": f"network.bsky.jetstream.subscribeEvents#{kind}", "seq": 1, "did": ANA, "time": NOON_TEXT} | more


@pytest.mark.parametrize("wrap", [lambda event: event, lambda event: {"$type": "message", "payload": event}])
def test_the_second_wire_format_says_the_same_with_its_envelope_and_without(wrap: Callable[..., Any]) -> None:
    for first in (LIKE, FOLLOW, RICH, DELETE, profile("update", labelled("bot"))):
        assert parsed(wrap(second_wire("commit", **first["commit"]))) == parsed(first)
    identity = second_wire("identity", identity={"handle": "ana.example", "time": "1970-01-01T00:00:00Z"})
    assert parsed(wrap(identity)) == parsed(event(kind="identity", identity={"handle": "ana.example"}))
    for kind in ("account", "sync"):
        assert parsed(wrap(second_wire(kind))) == [Ignored(NOON)]
    info = {"$type": "network.bsky.jetstream.subscribeEvents#info", "name": "OutdatedCursor", "message": ""}
    assert parsed(wrap(info)) == [Ignored(None)]
    with pytest.raises(Rejected, match="kind is none of"):
        parsed(wrap(second_wire("gossip")))
    with pytest.raises(Rejected, match="time is not an RFC 3339 time"):
        parsed(wrap(second_wire("commit", time="noon")))


def test_the_last_frame_of_a_connection_is_no_event() -> None:
    assert parsed({"$type": "error", "error": "ConsumerTooSlow", "message": ""}) == [Ignored(None)]


@pytest.mark.parametrize(("letter", "operation"), [("c", "create"), ("u", "update"), ("d", "delete")])
def test_the_short_form_of_before_october_2024(letter: str, operation: str) -> None:
    for line in (LIKE, RICH, FOLLOW):
        changed = event(line["commit"] | {"operation": operation})
        commit = {key: value for key, value in line["commit"].items() if key != "operation"} | {"type": letter}
        short = {"did": ANA, "time_us": NOON, "type": "com", "commit": commit}
        assert parsed(short) == parsed(changed)
    short = {"did": ANA, "time_us": NOON, "type": "id", "identity": {"handle": "ana.example"}}
    assert parsed(short) == [Ignored(NOON), Account(ANA, NOON, handle="ana.example")]
    assert parsed({"did": ANA, "time_us": NOON, "type": "acc", "account": {}}) == [Ignored(NOON)]


def test_a_deletion_without_a_time_still_takes_back() -> None:
    uri = f"at://{ANA}/app.bsky.feed.like/9"
    assert parsed(DELETE | {"time_us": None}) == [Ignored(None), Undo(uri, ANA, None)]


def test_no_line_breaks_the_parser(survives: Survives) -> None:
    lines = [RICH, LIKE, FOLLOW, DELETE, post(embed=QUOTE), event(kind="identity", identity={"handle": "ana.example"})]
    lines += [
        profile("update", labelled("bot")),
        {"$type": "message", "payload": second_wire("commit", **LIKE["commit"])},
    ]
    survives(parse, [orjson.dumps(line) for line in lines])


def test_recorded_events(data: FindFile, count_pages: CountPages) -> None:
    def recorded(name: str) -> Totals:
        source = JetstreamSource("jetstream", [str(data(f"bluesky-jetstream/{name}_v1.jsonl"))])
        return count_pages(source.pages(date(2026, 7, 4), date(2026, 7, 4)))

    # 17 posts, of which 8 reply; ignored are 4 deletions, 2 updates, a block, an identity without handle, an account.
    assert recorded("expected") == ({"like": 105, "reshare": 15, "post": 9, "reply": 8, "follow": 6}, {}, 152, 9, [])
    assert recorded("golden") == ({"like": 1, "reshare": 1, "reply": 1, "follow": 1}, {}, 10, 6, [])
