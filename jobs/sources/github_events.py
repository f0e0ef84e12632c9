"""GitHub's public events, in all their historical formats -> records. Each line of GH Archive is such an event.

https://docs.github.com/rest/using-the-rest-api/github-event-types. `created_at` is GitHub's own clock.

    event                                           becomes
    WatchEvent                                      like of the repository, about its owner
    ForkEvent                                       reshare of the repository, about its owner
    IssueCommentEvent, PullRequestReviewEvent,      reply to the author of the issue or pull request
    PullRequestReviewCommentEvent
    CommitCommentEvent                              reply to the repository's owner
    FollowEvent (until 2013)                        follow
    IssuesEvent, PullRequestEvent, DiscussionEvent  when opened: post, and a mention of the repository's owner, if
                                                    that is another account
    PushEvent, ReleaseEvent, PublicEvent,           post
    CreateEvent of a repository, GistEvent
    all others, and other actions of these          ignored: branches, tags, members, wiki pages, closing, editing

An account's id is its login in lower case, so only bots need an account row. GitHub ends bots' logins in `[bot]`, and gives
them the type `Bot` wherever an event holds a full user. `ghost` is GitHub's placeholder for deleted accounts. Events that are
not public are ignored. An act's id is its content's id (`issuecomment-7`, as in its URL; `owner/name#12`), else the event's id.
A review without text only wraps its comments, which have their own events, so it is ignored.

Until 2014 (the timeline), `actor` is a login, events have no id (so the act's id is derived), and comments name their issue
only by `url`. Since late 2025, pull requests do not name their author. If a reply's event does not name the author, the target
is looked up among the pull's other events on that issue or pull request. BigQuery's export writes `payload` as text.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jobs.sources.page import Account, Act, Author, Ignored, Record, Rejected, Unresolved
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
    within,
)

GHOST = "ghost"

_NUMBER = re.compile(r"/(?:issues|pull)/(\d{1,18})")
_BIGQUERY_TIME = re.compile(r"(\d{4}-\d\d-\d\d) ([\d:.]{8,15}) UTC")
_USERS = ("comment", "review", "issue", "pull_request", "discussion")
_OLD_TIME = re.compile(r"(\d{4})/(\d\d)/(\d\d) ([\d:]{8}) ([+-]\d{4})")  # format of the timeline's first days


class _Event(NamedTuple):
    """The fields that all events have, in any format. `repository` is `owner/name` in lower case, or None."""

    actor: str
    occurred_at: int
    repository: str | None
    payload: Any
    raw: dict[str, Any]

    @property
    def owner(self) -> str | None:
        return self.repository and self.repository.split("/")[0]

    @property
    def url(self) -> str:
        """The URL of the event's page; events have it until 2014."""
        return str(self.raw.get("url"))

    def id(self, about: str) -> str:
        given = self.raw.get("id")
        return derived_id(self.actor, about, self.occurred_at) if given is None else account_id(given, "event")

    def thread(self, what: str) -> str | None:
        """The issue, pull request or discussion as `owner/name#number`. Issues and pull requests share one numbering."""
        number = within(self.payload, what, "number") or within(self.payload, "number")
        if number is None:
            numbered = _NUMBER.search(self.url)
            number = int(numbered[1]) if numbered else None
        return f"{self.repository}#{number}" if self.repository and type(number) is int else None

    def author(self, what: str) -> str | None:
        return _login(within(self.payload, what, "user", "login"))

    def post(self, activity_id: str) -> Act:
        return Act("post", self.actor, self.actor, self.occurred_at, activity_id)

    def unresolved(self) -> Unresolved:
        return Unresolved(NO_TARGET, self.occurred_at)


def _on_repository(kind: str) -> Callable[[_Event], Sequence[Record]]:
    def records(event: _Event) -> Sequence[Record]:
        if event.owner is None:
            return (event.unresolved(),)
        return (Act(kind, event.actor, event.owner, event.occurred_at, event.id(event.owner), event.repository),)

    return records


def _reply(what: str, content: str, prefix: str) -> Callable[[_Event], Sequence[Record]]:
    """Handler for a comment or review (`content`) on an issue or pull request (`what`)."""

    def records(event: _Event) -> Sequence[Record]:
        thread, author = event.thread(what), event.author(what)
        authors = (Author(thread, author),) if thread and author else ()
        said = within(event.payload, content)
        if within(event.payload, "action") not in (None, "created", "submitted") or _is_envelope(said):
            return (Ignored(event.occurred_at), *authors)
        own = within(said, "id") or within(event.payload, "comment_id")
        activity_id = event.id(thread or what) if own is None else prefix + account_id(own, "comment")
        if thread is None and author is None:
            return (event.unresolved(), event.post(activity_id))
        return (Act("reply", event.actor, author, event.occurred_at, activity_id, thread), *authors)

    return records


def _is_envelope(said: Any) -> bool:
    """Whether this is a review without text, which only wraps comments."""
    return within(said, "state") == "commented" and not within(said, "body") and "body" in said


def _commit_comment(event: _Event) -> Sequence[Record]:
    own = within(event.payload, "comment", "id") or within(event.payload, "comment_id")
    commit = within(event.payload, "comment", "commit_id") or within(event.payload, "commit")
    activity_id = event.id(event.owner or "") if own is None else "commitcomment-" + account_id(own, "comment")
    if event.owner is None:
        return (event.unresolved(), event.post(activity_id))
    about = event.repository if commit is None else f"{event.repository}@{account_id(commit, 'commit')}"
    return (Act("reply", event.actor, event.owner, event.occurred_at, activity_id, about),)


def _opening(what: str) -> Callable[[_Event], Sequence[Record]]:
    """Handler for an issue, pull request or discussion."""

    def records(event: _Event) -> Sequence[Record]:
        thread = event.thread(what)
        opened = within(event.payload, "action") in ("opened", "created")
        author = event.actor if opened else event.author(what)
        authors = (Author(thread, author),) if thread and author else ()
        if not opened:
            return (Ignored(event.occurred_at), *authors)
        post = event.post(thread or event.id(event.repository or what))
        if event.owner is None:
            return (event.unresolved(), post)
        if event.owner == event.actor:
            return (post, *authors)
        return (Act("mention", event.actor, event.owner, event.occurred_at, post.activity_id), post, *authors)

    return records


def _post(key: str | None = None, value: str | None = None) -> Callable[[_Event], Sequence[Record]]:
    """Handler for the actor's own content; if `key` is given, only of events whose `key` has this value."""

    def records(event: _Event) -> Sequence[Record]:
        if key is not None and within(event.payload, key) != value:
            return (Ignored(event.occurred_at),)
        return (event.post(event.id(event.url)),)  # the URL distinguishes two pushes of the same second

    return records


def _follow(event: _Event) -> Sequence[Record]:
    target = _login(within(event.payload, "target", "login"))
    if target is None:
        return (event.unresolved(),)
    return (Act("follow", event.actor, target, event.occurred_at, event.id(target)),)


def _ignored(event: _Event) -> Sequence[Record]:
    return (Ignored(event.occurred_at),)


EVENTS: dict[str, Callable[[_Event], Sequence[Record]]] = {
    "WatchEvent": _on_repository("like"),
    "ForkEvent": _on_repository("reshare"),
    "IssueCommentEvent": _reply("issue", "comment", "issuecomment-"),
    "PullRequestReviewCommentEvent": _reply("pull_request", "comment", "discussion_r"),
    "PullRequestReviewEvent": _reply("pull_request", "review", "pullrequestreview-"),
    "CommitCommentEvent": _commit_comment,
    "FollowEvent": _follow,
    "IssuesEvent": _opening("issue"),
    "PullRequestEvent": _opening("pull_request"),
    "DiscussionEvent": _opening("discussion"),
    "PushEvent": _post(),
    "ReleaseEvent": _post("action", "published"),
    "PublicEvent": _post(),
    "CreateEvent": _post("ref_type", "repository"),
    "GistEvent": _post("action", "create"),
    **dict.fromkeys(
        (
            "DeleteEvent",
            "DeploymentEvent",
            "DeploymentStatusEvent",
            "DownloadEvent",
            "ForkApplyEvent",
            "GollumEvent",
            "MemberEvent",
            "PullRequestReviewThreadEvent",
            "SponsorshipEvent",
            "StatusEvent",
            "TeamAddEvent",
        ),
        _ignored,
    ),
}


def parse(line: bytes) -> Sequence[Record]:
    """One line with an event -> its records."""
    raw = json_object(line)
    occurred_at = _time(raw.get("created_at"))
    with dated(occurred_at):
        kind = raw.get("type")
        records = EVENTS.get(kind) if type(kind) is str else None
        if records is None:
            raise Rejected("event is of an unknown type")
        login = _actor(raw)
        if raw.get("public") is False:
            return (Ignored(occurred_at),)
        if occurred_at is None:
            return (Ignored(None) if records is _ignored else Unresolved(NO_TIME, None),)
        actor = login.lower()
        if actor == GHOST:
            return (Unresolved(ACTOR_WITHDRAWN, occurred_at),)
        payload = raw.get("payload")
        if type(payload) is str:
            payload = json_object(payload.encode("utf-8", "backslashreplace"))
        found = records(_Event(actor, occurred_at, _repository(raw), payload, raw))
        if b"bot]" not in line and b'"Bot"' not in line:  # nearly all events: checking every user takes a tenth longer
            return found
        bots = _bots(raw, login, payload)
        return (*found, *(Account(bot.lower(), occurred_at, handle=bot, is_bot=True) for bot in bots))


def _bots(raw: dict[str, Any], login: str, payload: Any) -> list[str]:
    """Logins of the bots among an event's actor and the users in its payload."""
    users = [within(payload, name, "user") for name in _USERS] if type(payload) is dict else []
    found = [login] if login.endswith("[bot]") or within(raw, "actor", "type") == "Bot" else []
    for user in users:
        name = within(user, "login")
        if within(user, "type") == "Bot" and shown(name) and name not in found:
            found.append(name)
    return found


def _time(value: Any) -> int | None:
    if type(value) is str and (old := _OLD_TIME.fullmatch(value)):
        value = "{}-{}-{}T{}{}".format(*old.groups())
    elif type(value) is str and value.endswith(" UTC") and (exported := _BIGQUERY_TIME.fullmatch(value)):
        value = "{}T{}Z".format(*exported.groups())
    return None if value is None else from_iso(value)


def _actor(raw: dict[str, Any]) -> str:
    actor = raw.get("actor")
    login = within(actor, "login") if type(actor) is dict else actor
    return account_id(within(raw, "actor_attributes", "login") if login is None else login)


def _login(value: Any) -> str | None:
    """The login in lower case; None if it is absent or belongs to a deleted account."""
    login = None if value is None else account_id(value, "author").lower()
    return None if login == GHOST else login


def _repository(raw: dict[str, Any]) -> str | None:
    old = raw.get("repository")
    if type(old) is dict:
        owner, name = old.get("owner"), old.get("name")
        path = (
            None if owner is None or name is None else f"{account_id(owner, 'owner')}/{account_id(name, 'repository')}"
        )
    else:
        path = within(raw, "repo", "name")
    if path in (None, "/"):  # in the first years, events about people had `/`
        return None
    owner, slash, name = account_id(path, "repository").partition("/")
    if not (owner and slash and name):
        raise Rejected("repository is not owner/name")
    return path.lower()
