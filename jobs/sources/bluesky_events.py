"""What is recorded of an event of Jetstream: the parts that `jetstream` reads."""

from collections.abc import Callable
from typing import Any

import orjson

from jobs.sources import bluesky_profiles, jetstream_common
from jobs.sources.values import within


def read(message: str | bytes) -> tuple[int, str, bytes] | None:
    """The time of an event, its account and the line to record. None if the message is malformed, because one such message must
    not end the stream."""
    if common := jetstream_common.event(message):
        return common.time_us, common.did, jetstream_common.line(common)
    event = _event(message)
    if event is None:
        return None
    line = bytes(memoryview(orjson.dumps(kept(event))))  # a copy, because orjson's own value keeps kilobytes allocated
    return event["time_us"], str(event.get("did")), line


def _event(message: str | bytes) -> dict[str, Any] | None:
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("time_us"), int) else None


def kept(event: dict[str, Any]) -> dict[str, Any]:
    """The parts of an event to record: those that `jetstream` reads, without the texts of posts. Of a profile's text, only
    codes of consent and claims."""
    commit = event.get("commit")
    if not isinstance(commit, dict):
        return {name: event[name] for name in ("did", "time_us", "kind", "identity", "account") if name in event}
    found = {name: commit[name] for name in ("operation", "collection", "rkey") if name in commit}
    record = commit.get("record")
    if isinstance(record, dict):
        found["record"] = {name: keep(record[name]) for name, keep in _RECORD.items() if name in record}
        placed = bluesky_profiles.codes_in(commit.get("collection"), record)
        found["record"] |= {bluesky_profiles.CODES: placed} if placed else {}
        claimed = bluesky_profiles.claims_in(commit.get("collection"), record)
        found["record"] |= {bluesky_profiles.CLAIMS: claimed} if claimed else {}
    elif record is not None:
        found["record"] = None
    return {name: event[name] for name in ("did", "time_us", "kind") if name in event} | {"commit": found}


def _as_is(value: Any) -> Any:
    return value


def _subject(subject: Any) -> Any:
    """The subject without the hash of its content."""
    uri = within(subject, "uri")
    return subject if uri is None else {"uri": uri}


def _embed(embed: Any) -> Any:
    quoted = within(embed, "record", "record", "uri") or within(embed, "record", "uri")
    of_media = isinstance(within(embed, "record", "record"), dict)
    uri = {"uri": quoted} if quoted is not None else {}
    return {"$type": within(embed, "$type"), "record": {"record": uri} if of_media else uri}


def _facets(facets: Any) -> Any:
    features = (within(facet, "features") for facet in facets) if isinstance(facets, list) else ()
    named = (feature for of in features if isinstance(of, list) for feature in of)
    return [
        {"features": [{"$type": within(of, "$type"), "did": within(of, "did")}]} for of in named if within(of, "did")
    ]


# Field of a record to keep -> function that reduces its value. All other fields are dropped, such as `text` and images.
_RECORD: dict[str, Callable[[Any], Any]] = {
    "subject": _subject,
    "reply": lambda reply: {"parent": {"uri": within(reply, "parent", "uri")}},
    "embed": _embed,
    "facets": _facets,
    "labels": _as_is,
    "displayName": _as_is,
}
