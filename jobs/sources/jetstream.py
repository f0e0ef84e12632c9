"""jetstream: Bluesky's Jetstream, one event per line, plain or compressed.

https://github.com/bluesky-social/jetstream, https://atproto.com/specs/lexicon (lexicons `app.bsky.*`).
Both wire formats are read: `/subscribe` (in full and in the short form from before October 2024), and `subscribeEvents` with or
without its envelope (`{"$type": "message", "payload": ...}`). `time_us` or `time` is the server's clock; a record's `createdAt`
is the client's and is ignored. An account's id is its DID, an act's id is its record's URI, `at://did/collection/rkey`.

    record created                      becomes
    app.bsky.feed.like, .repost         like, reshare of the subject
    app.bsky.feed.post                  reply to its parent, else post; quote of an embedded record; mention of each
                                        account that a facet names
    app.bsky.graph.follow               follow
    deleted, of these four              undoes the act
    app.bsky.actor.profile              account: its name, and automated if the self-label `bot` is set, until a later
                                        profile lacks it
    of any other collection; updates    ignored

An identity event supplies an account's handle. A client may write anything into a record. A like, repost or follow without a
valid target is rejected. If a facet, embed or parent of a post has no valid target, it is unresolved, and the post's other acts
still count. A URI with a handle instead of a DID (`at://alice.example/...`) is valid but unresolved: it names no known account.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from jobs.sources import jetstream_common
from jobs.sources.files import JSON_LINES, existing
from jobs.sources.lines import pages
from jobs.sources.page import Account, Act, Ignored, Page, Record, Rejected, Undo, Unresolved
from jobs.sources.values import NO_TIME, account_id, dated, from_iso, from_micros, json_object, shown, within

PLATFORM = "bluesky"
NO_HANDLE = "handle.invalid"  # the protocol's value for a handle that does not resolve back to its account
TARGET_BY_HANDLE = "names its target by handle, not by DID"
PROFILE = "app.bsky.actor.profile"

# The short forms from before October 2024.
_KINDS = {"com": "commit", "id": "identity", "acc": "account"}
_OPERATIONS = {"c": "create", "u": "update", "d": "delete"}
_EVENT = "network.bsky.jetstream.subscribeEvents#"

_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]")
_NSID = re.compile(r"[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)+")


class _Commit(NamedTuple):
    """A created record, with its actor, time and URI."""

    actor: str
    occurred_at: int
    uri: str
    record: Any

    def about(self, kind: str, subject: Any) -> Act | Unresolved:
        """An act on the content with the URI `subject`."""
        uri = account_id(subject, "subject")
        authority = uri.removeprefix("at://").split("/")[0]
        if not uri.startswith("at://") or not authority:
            raise Rejected("subject is not an at:// address")
        if not authority.startswith("did:"):
            return Unresolved(TARGET_BY_HANDLE, self.occurred_at)
        return Act(kind, self.actor, _did(authority, "subject"), self.occurred_at, self.uri, uri)

    def to(self, kind: str, account: Any) -> Act:
        """An act towards an account."""
        return Act(kind, self.actor, _did(account, "subject"), self.occurred_at, self.uri)


def _post(commit: _Commit) -> Sequence[Record]:
    record = commit.record
    records: list[Record] = []
    if within(record, "reply") is not None:
        records.append(_part("reply", commit.about, commit, within(record, "reply", "parent", "uri")))
    quoted = _quoted(within(record, "embed"))
    if quoted is not None:
        records.append(_part("quote", commit.about, commit, quoted))
    records += [_part("mention", commit.to, commit, account) for account in _mentioned(within(record, "facets"))]
    if not records or not isinstance(records[0], Act) or records[0].kind != "reply":
        records.append(Act("post", commit.actor, commit.actor, commit.occurred_at, commit.uri))
    return records


def _part(kind: str, made: Callable[[str, Any], Act | Unresolved], commit: _Commit, subject: Any) -> Act | Unresolved:
    """One of several acts of a post; `Unresolved` if it has no valid target, so that the post's other acts still count."""
    try:
        return made(kind, subject)
    except Rejected as fault:
        return Unresolved(f"{kind}: {fault.reason}", commit.occurred_at)


def _quoted(embed: Any) -> Any:
    """The URI of an embedded record, alone or with media."""
    match within(embed, "$type"):
        case "app.bsky.embed.record":
            return within(embed, "record", "uri") or ""
        case "app.bsky.embed.recordWithMedia":
            return within(embed, "record", "record", "uri") or ""
    return None


def _mentioned(facets: Any) -> Iterator[Any]:
    for facet in facets if type(facets) is list else ():
        features = within(facet, "features")
        for feature in features if type(features) is list else ():
            if within(feature, "$type") == "app.bsky.richtext.facet#mention":
                yield within(feature, "did")


COLLECTIONS: dict[str, Callable[[_Commit], Sequence[Record]]] = {
    "app.bsky.feed.like": lambda commit: (commit.about("like", within(commit.record, "subject", "uri")),),
    "app.bsky.feed.repost": lambda commit: (commit.about("reshare", within(commit.record, "subject", "uri")),),
    "app.bsky.feed.post": _post,
    "app.bsky.graph.follow": lambda commit: (commit.to("follow", within(commit.record, "subject")),),
}


def parse(line: bytes) -> Sequence[Record]:
    """One line with an event -> its records."""
    if (common := jetstream_common.event(line)) and (records := jetstream_common.records(common)):
        return records
    event: Any = json_object(line)
    if "$type" in event:
        return _second_wire(event)
    kind, time_us = event.get("kind", event.get("type")), event.get("time_us")
    return _event(_short(_KINDS, kind), event, event.get("commit"), None if time_us is None else from_micros(time_us))


def _second_wire(event: Any) -> Sequence[Record]:
    """The records of an event of `subscribeEvents`, or of a frame that holds one."""
    if event["$type"] == "message" and type(event.get("payload")) is dict:
        event = event["payload"]
    named, time = event.get("$type"), event.get("time")
    if named == "error" or named in (f"{_EVENT}info", "#info"):  # the server's message to its client
        return (Ignored(None),)
    kind = named.partition("#")[2] if type(named) is str and named.startswith((_EVENT, "#")) else None
    return _event(kind, event, event, None if time is None else from_iso(time))


def _event(kind: Any, event: Any, commit: Any, occurred_at: int | None) -> Sequence[Record]:
    with dated(occurred_at):
        actor = _did(event.get("did"), "actor")
        match kind:
            case "commit":
                return _commit(actor, occurred_at, commit)
            case "identity":
                return _identity(actor, occurred_at, within(event, "identity", "handle"))
            case "account" | "sync":
                return (Ignored(occurred_at),)
        raise Rejected("kind is none of commit, identity, account, sync")


def _short(forms: dict[str, str], value: Any) -> Any:
    return forms.get(value, value) if type(value) is str else value


def _commit(actor: str, occurred_at: int | None, commit: Any) -> Sequence[Record]:
    collection = account_id(within(commit, "collection"), "collection")
    if collection not in COLLECTIONS and not _NSID.fullmatch(collection):
        raise Rejected("collection is not an NSID")
    operation = within(commit, "operation") or within(commit, "type")
    operation = _short(_OPERATIONS, operation)
    if operation not in ("create", "update", "delete"):
        raise Rejected("operation is none of create, update, delete")
    if collection == PROFILE and within(commit, "rkey") == "self":
        record = within(commit, "record")
        return (Ignored(occurred_at), _profile(actor, occurred_at, record if operation != "delete" else None))
    records = COLLECTIONS.get(collection)
    if records is None or operation == "update":
        return (Ignored(occurred_at),)
    if occurred_at is None and operation == "create":
        return (Unresolved(NO_TIME, None),)
    uri = f"at://{actor}/{collection}/{account_id(within(commit, 'rkey'), 'rkey')}"
    if operation == "delete":
        return (Ignored(occurred_at), Undo(uri, actor, occurred_at))
    record = within(commit, "record")
    if type(record) is not dict:
        raise Rejected("record is not an object")
    assert occurred_at is not None
    return records(_Commit(actor, occurred_at, uri, record))


def _profile(actor: str, occurred_at: int | None, record: Any) -> Account:
    """The account record of a profile. A deleted profile (None) has no label, so the account no longer counts as a bot."""
    is_bot = "bot" in self_labels(record)
    return Account(actor, occurred_at, display_name=shown(within(record, "displayName")), is_bot=is_bot)


def self_labels(record: Any) -> list[Any]:
    """The labels that the author of a record gave it, such as `bot` for a profile."""
    values = within(record, "labels", "values")
    return [within(each, "val") for each in values] if type(values) is list else []


def _identity(actor: str, occurred_at: int | None, handle: Any) -> Sequence[Record]:
    if occurred_at is None or handle in (None, NO_HANDLE):
        return (Ignored(occurred_at),)
    return (Ignored(occurred_at), Account(actor, occurred_at, handle=account_id(handle, "handle")))


def is_did(text: str) -> bool:
    """Whether the text has the form of a DID."""
    return bool(_DID.fullmatch(text))


def _did(value: Any, what: str) -> str:
    did = account_id(value, what)
    if not is_did(did):
        raise Rejected(f"{what} is not a DID")
    return did


class JetstreamSource:
    """Files of recorded events."""

    platforms = (PLATFORM,)

    def __init__(self, source_id: str, places: Sequence[str]) -> None:
        self.files = existing(places, JSON_LINES)

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Yields the pages of all files, each read once, whatever days they hold."""
        return pages(PLATFORM, self.files, parse)
