"""activitystreams: W3C ActivityStreams 2.0, one activity per line, for any platform (by default, the source's ID is its name).

https://www.w3.org/TR/activitystreams-core/, https://www.w3.org/TR/activitystreams-vocabulary/.
`mastodon:activitystreams=outbox.jsonl` yields acts of platform `mastodon`. `mine:activitystreams@mastodon=inbox.jsonl` is a
second source of the same platform and people. Collections, such as an outbox, and arrays of activities are read too.

    activity            becomes
    Create              reply to each author it is `inReplyTo`, else post; quote of what `quote`, `quoteUrl`, `quoteUri`,
                        `_misskey_quote` or a link names; mention for each tag of type Mention; no act for a link whose
                        `rel` has `nofollow`
    Announce            reshare of its object; an activity inside it becomes its usual acts, by its own actor (FEP-1b12)
    Like, EmojiReact    like of its object
    Follow              follow of its object
    Undo, Delete        undoes what its object names, if it is the same actor's
    Update of oneself   account: its names, and automated if its type is Service or Application
    all others          ignored; types outside the vocabulary are counted by type

Only public acts count. Activities created or announced for an audience without `as:Public` are ignored, and so are votes in
polls. An embedded object names its author by `attributedTo`; otherwise the author is looked up among the content created in the
pull.

An act's id is the content's id for a Create, else the activity's id; without either, the id is derived. An act's time is when
the activity was published. If the activity has no time, the content of a Create, or what an Undo or Delete embeds, supplies the
time; an activity inside an Announce uses the time of the Announce. An Undo or Delete without a time applies to any day of the
pull. An activity of several actors becomes one act for each: the first keeps the activity's id; for the others, the actor's id
is appended.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from jobs.sources.activitystreams_objects import (
    ACTORS,
    AUTOMATED,
    CONTENT,
    author,
    each,
    identity,
    instant,
    is_private,
    is_vote,
    links_of,
    quoted,
    types,
)
from jobs.sources.files import JSON_LINES, existing
from jobs.sources.lines import pages
from jobs.sources.page import Account, Act, Author, Ignored, Page, Record, Rejected, Undo, Unresolved
from jobs.sources.values import (
    ACTOR_WITHDRAWN,
    NO_TARGET,
    NO_TIME,
    account_id,
    dated,
    derived_id,
    json_object,
    shown,
)

DIRECTED = {"Announce": "reshare", "Like": "like", "EmojiReact": "like", "Follow": "follow"}
IGNORED = {
    *("Accept", "Activity", "Add", "Arrive", "Block", "Dislike", "Flag", "Ignore", "Invite", "Join", "Leave", "Listen"),
    *("Move", "Offer", "Question", "Read", "Reject", "Remove", "TentativeAccept", "TentativeReject", "Travel"),
    *("Update", "View"),
}
TIMED_BY_OBJECT = ("Create", "Undo", "Delete")
TAKING_BACK = ("Undo", "Delete")
SCORED = {*TIMED_BY_OBJECT, *DIRECTED}
MOST_HANDED_ON = 3  # nested Announces around an activity: by a group, by a relay, and one to spare

_SHORT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}$")


class _Doer(NamedTuple):
    """One actor of an activity, the activity's time, and the suffix that the activity's id gets for this actor."""

    id: str
    occurred_at: int
    suffix: str

    def act(self, kind: str, activity_id: str, item: Any) -> Act | Unresolved:
        """An act on the object that `item` is or names."""
        about, target = _aim(kind, item)
        if about is None and target is None:
            return Unresolved(NO_TARGET, self.occurred_at)
        towards_person = kind in ("follow", "mention")
        return Act(kind, self.id, target, self.occurred_at, activity_id, None if towards_person else about)

    def part(self, kind: str, activity_id: str, item: Any) -> Act | Unresolved:
        """One of several acts of one piece of content. Returns `Unresolved` if `item` names no valid target, so that the other
        acts still count."""
        try:
            return self.act(kind, activity_id, item)
        except Rejected as fault:
            return Unresolved(f"{kind}: {fault.reason}", self.occurred_at)

    def own_id(self, item: Any, about: str) -> str:
        return _own_id(self.id, self.suffix, item, about, self.occurred_at)

    def directed(self, kind: str, activity: Any, item: Any) -> Act | Unresolved | Ignored:
        """The record of an Announce, Like or Follow of `item`."""
        if (type(item) is dict and is_private(item)) or (kind == "reshare" and is_private(activity)):
            return Ignored(self.occurred_at)
        about, target = _aim(kind, item)
        return self.act(kind, self.own_id(activity, target or about or ""), item)

    def created(self, activity: Any, item: Any) -> Iterator[Record]:
        """The records of a Create of `item`."""
        if is_private(item, activity) or is_vote(item):
            yield Ignored(self.occurred_at)
            return
        content = identity(item, "object")
        activity_id = self.own_id(activity if content is None else item, self.id)
        if content is not None:
            yield Author(content, author(item) or self.id)
        replies = [self.part("reply", activity_id, parent) for parent in each(item, "inReplyTo")]
        quotes = [self.part("quote", activity_id, each_quoted) for each_quoted in quoted(item)]
        mentions = [
            self.part("mention", activity_id, next(each(tag, "href"), None)) for tag in links_of(item, "Mention")
        ]
        yield from (*replies, *quotes, *mentions)
        if not any(isinstance(reply, Act) for reply in replies):
            yield Act("post", self.id, self.id, self.occurred_at, activity_id)


def parse(line: bytes) -> Sequence[Record]:
    """One line with an activity -> its records."""
    return _activity(json_object(line))


def _activity(activity: Any, announced_at: int | None = None, handed_on: int = 0) -> Sequence[Record]:
    """The records of an activity, or of one inside an Announce made at `announced_at`."""
    names = types(activity)
    kind = next((name for known in (SCORED, IGNORED) for name in names if name in known), None)
    occurred_at = _instant(kind, activity, announced_at)
    with dated(occurred_at):
        if kind is None:
            return _no_activity_of_the_vocabulary(activity, names, occurred_at)
        actors = {account_id(identity(actor, "actor")): actor for actor in each(activity, "actor")}
        if not actors:
            raise Rejected("actor is missing")
        if kind in IGNORED:
            changed = each(activity, "object") if kind == "Update" else ()
            return (Ignored(occurred_at), *(found for item in changed for found in _changed(actors, item, occurred_at)))
        if kind == "Announce" and any(map(_is_activity, each(activity, "object"))):
            return _handed_on(activity, occurred_at, handed_on)
        if occurred_at is None and kind not in TAKING_BACK:
            return (Unresolved(NO_TIME, None),)
        records: list[Record] = []
        for number, (name, actor) in enumerate(actors.items()):
            suffix = f" {name}" if number else ""
            if "Tombstone" in types(actor):
                records.append(Unresolved(ACTOR_WITHDRAWN, occurred_at))
                continue
            if kind in TAKING_BACK:
                records += _took_back(activity, name, suffix, occurred_at)
            elif occurred_at is not None:
                records += _did(kind, activity, _Doer(name, occurred_at, suffix))
            records += _account(actor, name, occurred_at)
        return records


def _instant(kind: str | None, activity: Any, announced_at: int | None) -> int | None:
    occurred_at = instant(activity)
    if occurred_at is None and kind in TIMED_BY_OBJECT:
        objects = list(each(activity, "object"))
        times = (instant(item, name) for name in ("published", "deleted") for item in objects)
        occurred_at = next((at for at in times if at is not None), None)
    return announced_at if occurred_at is None else occurred_at


def _did(kind: str, activity: Any, doer: _Doer) -> Iterator[Record]:
    objects = list(each(activity, "object"))
    if not objects:
        yield Unresolved(NO_TARGET, doer.occurred_at)
    for item in objects:
        if kind == "Create":
            yield from doer.created(activity, item)
        else:
            yield doer.directed(DIRECTED[kind], activity, item)


def _is_activity(item: Any) -> bool:
    """Whether an embedded object is an activity, not content such as a poll (a Question)."""
    return next(each(item, "actor"), None) is not None and CONTENT.isdisjoint(types(item))


def _handed_on(activity: Any, occurred_at: int | None, handed_on: int) -> list[Record]:
    """The records of the activities inside an Announce, by their own actors. The announcing actor gets no act."""
    if handed_on == MOST_HANDED_ON:
        raise Rejected("activity is handed on too often")
    if is_private(activity):
        return [Ignored(occurred_at)]
    activities = filter(_is_activity, each(activity, "object"))
    return [found for inner in activities for found in _activity(inner, occurred_at, handed_on + 1)]


def _took_back(activity: Any, name: str, suffix: str, occurred_at: int | None) -> Iterator[Record]:
    """The records of an Undo or Delete by the actor `name`: for each object an `Undo` and an `Ignored`, or `Unresolved`. Raises
    `Rejected` if an object is another actor's."""
    objects = list(each(activity, "object"))
    if not objects:
        yield Unresolved(NO_TARGET, occurred_at)
    for item in objects:
        taken_back = _undo(item, name, suffix, occurred_at)
        yield taken_back
        if isinstance(taken_back, Undo):
            yield Ignored(occurred_at)


def _undo(item: Any, name: str, suffix: str, occurred_at: int | None) -> Undo | Unresolved:
    others = [identity(other, "actor") for other in each(item, "actor")]
    if others and name not in others:
        raise Rejected("the undone act is another actor's")
    names, published = types(item), instant(item)
    content = next(each(item, "object"), None) if "Create" in names else None
    if identity(content, "object") is not None:
        item = content
    published = instant(content) if published is None else published
    kind = next((DIRECTED[name] for name in names if name in DIRECTED), "post")
    about, target = _aim(kind, next(each(item, "object"), None))
    named = name if kind == "post" else target or about
    if identity(item, "object") is None and (published is None or named is None):
        return Unresolved(NO_TARGET, occurred_at)
    return Undo(_own_id(name, suffix, item, named or "", published or 0), name, occurred_at)


def _no_activity_of_the_vocabulary(activity: Any, names: list[str], occurred_at: int | None) -> Sequence[Record]:
    """The records of an activity that an extension defines, or of an actor that is a line of its own. Raises `Rejected` for
    anything else."""
    if next(each(activity, "actor"), None) is None and not ACTORS.isdisjoint(names):
        name = account_id(identity(activity, "actor"))
        return (Ignored(None), *_account(activity, name, None))
    extension = next((name for name in names if name not in CONTENT and name not in ACTORS), None)
    if extension is None or next(each(activity, "actor"), None) is None:
        raise Rejected("type is no activity of the vocabulary")
    shortened = _SHORT_NAME.search(extension)
    return (Ignored(occurred_at, unknown=shortened[0] if shortened else "other"),)


def _changed(actors: dict[str, Any], item: Any, occurred_at: int | None) -> Iterator[Account]:
    """The account record of an updated object, if the object is one of the updating actors."""
    if not ACTORS.isdisjoint(types(item)):
        name = identity(item, "actor")
        if name in actors:
            yield from _account(item, name, occurred_at)


def _account(actor: Any, name: str, occurred_at: int | None) -> Iterator[Account]:
    """The account record of an embedded actor. `bot` is Mastodon's own property."""
    found = ACTORS.intersection(types(actor))
    if found:
        handle, display_name = shown(actor.get("preferredUsername")), shown(actor.get("name"))
        is_bot = bool(found & AUTOMATED) or actor.get("bot") is True
        yield Account(name, occurred_at, handle, display_name, is_bot=is_bot)


def _own_id(name: str, suffix: str, item: Any, about: str, occurred_at: int) -> str:
    stated = identity(item, "activity")
    return derived_id(name, about, occurred_at) if stated is None else stated + suffix


def _aim(kind: str, item: Any) -> tuple[str | None, str | None]:
    """The object and the target of an act of this kind on `item`."""
    about = identity(item, "object")
    return about, about if kind in ("follow", "mention") else author(item)


class ActivityStreamsSource:
    """Files of one platform's activities. The platform is `platform` if given, else the source's ID."""

    def __init__(self, source_id: str, places: Sequence[str], platform: str | None = None) -> None:
        self.platforms = (platform or source_id,)
        self.files = existing(places, JSON_LINES)

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Yields the pages of all files, each read once, whatever days they hold."""
        return pages(self.platforms[0], self.files, parse)
