"""The quick decoding of common events gives what the full one gives, of whatever a client or a server writes."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from jobs.sources import bluesky_events, jetstream, jetstream_common
from jobs.sources.page import Act, Record, Rejected
from jobs.sources.values import EARLIEST, LATEST

ANA, BO = "did:plc:ana", "did:web:bo.example"
POST = f"at://{BO}/app.bsky.feed.post/3k"
REPLY = {"parent": {"uri": POST}}
NOON = 1_793_707_200_000_000
ABSENT = object()

ODD: tuple[Any, ...] = (
    ABSENT,
    None,
    7,
    1.5,
    True,
    "",
    "x",
    "é",
    "a\nb",
    "a/b",
    "x" * 3000,
    [],
    {},
    {"uri": POST},
    POST,
    BO,
)
VALUES: dict[tuple[str, ...], tuple[Any, ...]] = {
    ("did",): (f"{ANA}:", "did:plc:", "did:plc:a/b", "ana.example", "did:plc:" + "x" * 2040),
    ("time_us",): tuple(each * 10**6 + less for each in (EARLIEST, LATEST) for less in (-1, 0)),
    ("kind",): ("com", "identity", "account"),
    ("$type",): ("message", "#commit"),
    ("type",): ("com",),
    ("commit", "operation"): ("update", "delete", "c"),
    ("commit", "collection"): (*jetstream.COLLECTIONS, jetstream.PROFILE, "x.y"),
    ("commit", "rkey"): ("self", "x y"),
    ("commit", "record"): (),
    ("commit", "record", "subject"): ({"uri": POST, "cid": "c"}, {"cid": "c"}),
    ("commit", "record", "subject", "uri"): (
        *(f"at://{BO}", f"at://{BO}/", "at://ana.example/x", f"https://{BO}/x", f"{POST}/é", f"{POST} x", "at://"),
        POST + "x" * 3000,
    ),
    ("commit", "record", "reply"): (REPLY,),
    ("commit", "record", "labels"): ({"values": [{"val": "bot"}]},),
}
SUBJECTS: dict[str, Any] = {
    "app.bsky.feed.like": {"uri": POST, "cid": "c"},
    "app.bsky.feed.repost": {"uri": POST, "cid": "c"},
    "app.bsky.graph.follow": BO,
}


def event(collection: str, operation: str) -> dict[str, Any]:
    commit: dict[str, Any] = {"operation": operation, "collection": collection, "rkey": "3k", "rev": "r", "cid": "c"}
    if operation == "create":
        content = {"subject": SUBJECTS[collection]} if collection in SUBJECTS else {"text": "words"}
        commit["record"] = {"$type": collection, **content, "createdAt": "2026"}
    return {"did": ANA, "time_us": NOON, "kind": "commit", "commit": commit}


def odd_events(collection: str, operation: str) -> Iterator[dict[str, Any]]:
    """The event, then events that differ in one value each."""
    yield event(collection, operation)
    for path, special in VALUES.items():
        for value in (*special, *ODD):
            made = deepcopy(event(collection, operation))
            inner: Any = made
            for key in path[:-1]:
                inner = inner.get(key) if isinstance(inner, dict) else None
            if isinstance(inner, dict):
                inner.pop(path[-1], None)
                inner |= {} if value is ABSENT else {path[-1]: value}
                yield made


def outcome(line: bytes) -> tuple[Record, ...] | tuple[str, int | None]:
    try:
        return tuple(jetstream.parse(line))
    except Rejected as fault:
        return fault.reason, fault.occurred_at


def recorded(line: bytes) -> Any:
    """The time and account of an event, and what the recorded line gives."""
    read = bluesky_events.read(line)
    return read and (read[0], read[1], outcome(read[2]))


@pytest.mark.parametrize("operation", ["create", "delete"])
@pytest.mark.parametrize("collection", jetstream.COLLECTIONS)
def test_both_ways_give_the_same_records(collection: str, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [json.dumps(made).encode() for made in odd_events(collection, operation)]
    quick = [(line, outcome(line), recorded(line)) for line in lines]
    monkeypatch.setattr(jetstream_common, "event", lambda _: None)
    assert quick == [(line, outcome(line), recorded(line)) for line in lines]


@pytest.mark.parametrize(
    ("collection", "operation"),
    [*((name, "create") for name in SUBJECTS), *((name, "delete") for name in jetstream.COLLECTIONS)],
)
def test_common_events_take_the_quick_way(collection: str, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "json_object", lambda _: pytest.fail("the full decoding was used"))
    assert jetstream.parse(json.dumps(event(collection, operation)).encode())


def test_a_post_with_a_subject_is_still_a_reply() -> None:
    made = event("app.bsky.feed.post", "create")
    made["commit"]["record"] |= {"subject": {"uri": POST}, "reply": REPLY}
    read = bluesky_events.read(json.dumps(made).encode())
    assert read is not None
    assert [act.kind for act in jetstream.parse(read[2]) if isinstance(act, Act)] == ["reply"]
