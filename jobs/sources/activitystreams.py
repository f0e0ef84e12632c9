"""activitystreams: W3C ActivityStreams 2.0, one activity a line: the door for any platform, named by the source's ID.

https://www.w3.org/TR/activitystreams-core/, https://www.w3.org/TR/activitystreams-vocabulary/.
`mastodon:activitystreams=outbox.jsonl` gives acts of platform `mastodon`.

    activity            becomes
    Create              reply to each author it is `inReplyTo`, else post; quote of what `quote`, `quoteUrl`, `quoteUri`
                        or `_misskey_quote` names; mention of each tag of type Mention
    Announce            reshare of its object
    Like, EmojiReact    like of its object
    Follow              follow of its object
    Undo, Delete        takes back what its object names, if that is the same actor's
    the vocabulary's    ignored
    other activities

An embedded object tells its author by `attributedTo`; else the author is looked for among what is created in the pull.
An act's id is the content's for a Create, else the activity's, else derived. It happened when the activity was published;
where that is not told, content tells it itself, as does what an Undo or Delete embeds. What several actors do together
is one act of each: the first has the activity's id, for the others theirs is added to it.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from jobs.errors import UsageError
from jobs.sources.lines import JSON_LINES, existing, pages
from jobs.sources.page import Account, Act, Author, Ignored, Page, Record, Rejected, Undo, Unresolved
from jobs.sources.values import (
    ACTOR_WITHDRAWN,
    NO_TARGET,
    NO_TIME,
    account_id,
    dated,
    derived_id,
    from_iso,
    json_object,
    shown,
)
from schemas.kinds import SIMULATED_PREFIX, is_simulated

DIRECTED = {"Announce": "reshare", "Like": "like", "EmojiReact": "like", "Follow": "follow"}
IGNORED = {
    *("Accept", "Activity", "Add", "Arrive", "Block", "Dislike", "Flag", "Ignore", "Invite", "Join", "Leave", "Listen"),
    *(
        "Move",
        "Offer",
        "Question",
        "Read",
        "Reject",
        "Remove",
        "TentativeAccept",
        "TentativeReject",
        "Travel",
        "Update",
    ),
    "View",
}
TIMED_BY_OBJECT = ("Create", "Undo", "Delete")
SCORED = {*TIMED_BY_OBJECT, *DIRECTED}
AUTOMATED = {"Application", "Service"}
ACTORS = {"Group", "Organization", "Person", *AUTOMATED}
QUOTES = ("quote", "quoteUrl", "quoteUri", "_misskey_quote")  # FEP-044f and what came before it

_VOCABULARY = ("https://www.w3.org/ns/activitystreams#", "http://www.w3.org/ns/activitystreams#", "as:")


class _Doer(NamedTuple):
    """One actor of an activity, when it happened, and what is added to the activity's id for this actor."""

    id: str
    occurred_at: int
    suffix: str

    def act(self, kind: str, activity_id: str, item: Any) -> Act | Unresolved:
        """An act on what `item` is or names."""
        about, target = _aim(kind, item)
        if about is None and target is None:
            return Unresolved(NO_TARGET, self.occurred_at)
        towards_person = kind in ("follow", "mention")
        return Act(kind, self.id, target, self.occurred_at, activity_id, None if towards_person else about)

    def own_id(self, item: Any, about: str, occurred_at: int) -> str:
        told = _id(item, "activity")
        return derived_id(self.id, about, occurred_at) if told is None else told + self.suffix

    def directed(self, kind: str, activity: Any, item: Any) -> Act | Unresolved:
        """An Announce, Like or Follow of `item`."""
        about, target = _aim(kind, item)
        return self.act(kind, self.own_id(activity, target or about or "", self.occurred_at), item)

    def created(self, activity: Any, item: Any) -> Iterator[Record]:
        """A Create of `item`."""
        content = _id(item, "object")
        activity_id = self.own_id(activity if content is None else item, self.id, self.occurred_at)
        if content is not None:
            yield Author(content, _author(item) or self.id)
        replies = [self.act("reply", activity_id, parent) for parent in _each(item, "inReplyTo")]
        quotes = [self.act("quote", activity_id, quoted) for name in QUOTES for quoted in _each(item, name)]
        mentions = [
            self.act("mention", activity_id, next(_each(tag, "href"), None))
            for tag in _each(item, "tag")
            if "Mention" in _types(tag)
        ]
        yield from (*replies, *quotes[:1], *mentions)  # the names of the quote are of one
        if not any(isinstance(reply, Act) for reply in replies):
            yield Act("post", self.id, self.id, self.occurred_at, activity_id)

    def undone(self, item: Any) -> Undo | Unresolved:
        """What an Undo or a Delete of `item`, an activity or content, takes back."""
        others = [_id(other, "actor") for other in _each(item, "actor")]
        if others and self.id not in others:
            raise Rejected("what is taken back is another actor's")
        types, published = _types(item), _published(item)
        content = next(_each(item, "object"), None) if "Create" in types else None
        if _id(content, "object") is not None:
            item = content
        published = _published(content) if published is None else published
        kind = next((DIRECTED[name] for name in types if name in DIRECTED), "post")
        about, target = _aim(kind, next(_each(item, "object"), None))
        named = self.id if kind == "post" else target or about
        if _id(item, "object") is None and (published is None or named is None):
            return Unresolved(NO_TARGET, self.occurred_at)
        return Undo(self.own_id(item, named or "", published or 0), self.id, self.occurred_at)


def parse(line: bytes) -> Sequence[Record]:
    """One activity."""
    activity = json_object(line)
    types = _types(activity)
    kind = next((name for known in (SCORED, IGNORED) for name in types if name in known), None)
    occurred_at = _published(activity)
    if occurred_at is None and kind in TIMED_BY_OBJECT:
        occurred_at = next((at for item in _each(activity, "object") if (at := _published(item)) is not None), None)
    with dated(occurred_at):
        if kind is None:
            raise Rejected("type is no activity of the vocabulary")
        actors = {account_id(_id(actor, "actor")): actor for actor in _each(activity, "actor")}
        if not actors:
            raise Rejected("actor is missing")
        if kind in IGNORED:
            return (Ignored(occurred_at),)
        if occurred_at is None:
            return (Unresolved(NO_TIME, None),)
        records: list[Record] = []
        for number, (name, actor) in enumerate(actors.items()):
            if "Tombstone" in _types(actor):
                records.append(Unresolved(ACTOR_WITHDRAWN, occurred_at))
            else:
                records += _did(kind, activity, _Doer(name, occurred_at, f" {name}" if number else ""))
                records += _account(actor, name, occurred_at)
        return records


def _did(kind: str, activity: Any, doer: _Doer) -> Iterator[Record]:
    objects = list(_each(activity, "object"))
    if not objects:
        yield Unresolved(NO_TARGET, doer.occurred_at)
    for item in objects:
        if kind == "Create":
            yield from doer.created(activity, item)
        elif kind in DIRECTED:
            yield doer.directed(DIRECTED[kind], activity, item)
        else:
            taken_back = doer.undone(item)
            yield from (taken_back, Ignored(doer.occurred_at)) if isinstance(taken_back, Undo) else (taken_back,)


def _account(actor: Any, name: str, occurred_at: int) -> Iterator[Account]:
    """What an embedded actor tells of itself."""
    types = ACTORS.intersection(_types(actor))
    if types:
        handle, display_name = shown(actor.get("preferredUsername")), shown(actor.get("name"))
        yield Account(name, occurred_at, handle, display_name, is_bot=bool(types & AUTOMATED))


def _each(item: Any, name: str) -> Iterator[Any]:
    """A property's values: none, one, or a list of them."""
    value = item.get(name) if type(item) is dict else None
    for each in value if type(value) is list else (value,):
        if each not in (None, ""):
            yield each


def _types(item: Any) -> list[str]:
    """The short names of an object's types."""
    names = [name for key in ("type", "@type") for name in _each(item, key) if type(name) is str]
    return [next((name.removeprefix(v) for v in _VOCABULARY if name.startswith(v)), name) for name in names]


def _id(item: Any, what: str) -> str | None:
    """The id of what is embedded or named; `None` where it has none. Raises `Rejected` where it cannot be one."""
    told = item.get("id", item.get("@id")) if type(item) is dict else item
    return None if told is None else account_id(told, what)


def _author(item: Any) -> str | None:
    """Who an embedded object says it is by."""
    by = next((by for name in ("attributedTo", "actor") for by in _each(item, name)), None)
    return _id(by, "author")


def _aim(kind: str, item: Any) -> tuple[str | None, str | None]:
    """What an act of this kind on `item` is about, and who its target is."""
    about = _id(item, "object")
    return about, about if kind in ("follow", "mention") else _author(item)


def _published(item: Any) -> int | None:
    told = item.get("published") if type(item) is dict else None
    return None if told is None else from_iso(told)


class ActivityStreamsSource:
    """Files of one platform's activities."""

    def __init__(self, source_id: str, places: Sequence[str]) -> None:
        if is_simulated(source_id):
            raise UsageError(f"{source_id}: the ID names the platform, and `{SIMULATED_PREFIX}` begins simulated ones")
        self.platforms = (source_id,)
        self.files = existing(places, JSON_LINES)

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        return pages(self.platforms[0], self.files, parse)
