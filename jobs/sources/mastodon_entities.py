"""Entities of Mastodon's API: the parts of each that are recorded, and the records that they become.

https://docs.joinmastodon.org/entities/Status/, https://docs.joinmastodon.org/entities/Account/. A recorded entity has the API's
own names. Two are clout's: `uri` of a mention, and `in_reply_to`, the `uri`s of the author and of the status replied to. The
API names both only by ids of the instance.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from jobs.sources.live import snapshots
from jobs.sources.page import Account, Act, Author, Ignored, Record, Rejected, Unresolved
from jobs.sources.values import (
    NO_TARGET,
    account_id,
    dated,
    derived_id,
    from_iso,
    from_micros,
    json_object,
    shown,
    within,
)

PUBLIC = ("public", "unlisted")
KINDS = {"favourite": "like", "reblog": "reshare", "follow": "follow"}  # notification -> kind of act
OF_STATUS = ("mention", "quote")  # notifications about a status that is recorded itself

_STATUS = ("id", "uri", "created_at", "visibility", "in_reply_to_id", "in_reply_to_account_id")
_ACCOUNT = ("id", "uri", "acct", "display_name", "bot", "created_at")
_COUNTS = ("followers_count", "following_count")
_MOST_COUNT = 2**63 - 1


class Wishes(NamedTuple):
    """Whom a pull leaves out. With `everybody` (`only: all` in the settings) it leaves out nobody."""

    everybody: bool

    def may_ask(self, account: Any) -> bool:
        """Whether a pull may ask about the account: it is `discoverable` and nothing says otherwise."""
        return self.everybody or (within(account, "discoverable") is True and self.may_appear(account))

    def may_appear(self, account: Any) -> bool:
        """Whether the account may appear as somebody who acts on others, or on whom they act. It may not if it is `noindex`,
        `limited` or `suspended`, or if it says no to being discoverable. Many accounts never said either, so silence does not
        exclude them."""
        no = within(account, "discoverable") is False
        return self.everybody or not (
            no or any(within(account, name) is True for name in ("noindex", "limited", "suspended"))
        )


# What is recorded


def kept_status(status: Any, host: str, wishes: Wishes) -> dict[str, Any] | None:
    """The parts of a status to record; None if it, or the status it reblogs, is not public, or its author may not appear. Of a
    malformed status, records the parts that it has."""
    reblog, about = within(status, "reblog"), quoted(status)
    if _is_hidden(status, wishes) or _is_hidden(reblog, wishes):
        return None
    kept = _plain(status, _STATUS) | {"account": kept_account(within(status, "account"), host)}
    if reblog is not None:
        return kept | {"reblog": _about(reblog)}
    if about is not None and not _is_hidden(about, wishes):
        kept["quote"] = {"state": "accepted", "quoted_status": _about(about)}
    mentions = within(status, "mentions")
    return kept | {"mentions": [_plain(one, ("id",)) for one in mentions] if isinstance(mentions, list) else []}


def _is_hidden(status: Any, wishes: Wishes) -> bool:
    audience = within(status, "visibility")
    is_private = isinstance(audience, str) and audience not in PUBLIC
    return is_private or not wishes.may_appear(within(status, "account"))


def kept_account(account: Any, host: str) -> dict[str, Any]:
    """The parts of an account to record, without counts of followers if it hides who they are. `host` is the instance's, which
    `acct` of local accounts lacks."""
    kept = _plain(account, _ACCOUNT + (() if within(account, "hide_collections") is True else _COUNTS))
    if isinstance(acct := kept.get("acct"), str) and "@" not in acct:
        kept["acct"] = f"{acct}@{host}"
    return kept


def kept_notification(notification: Any, me: str, host: str) -> dict[str, Any]:
    """The parts of a notification of a favourite, reblog or follow to record. `me` is the `uri` of the notified account."""
    kept = _plain(notification, ("type", "created_at")) | {"me": me}
    kept["account"] = kept_account(within(notification, "account"), host)
    return kept | {"status": _plain(within(notification, "status"), ("uri", "visibility"))}


def _plain(entity: Any, names: Sequence[str]) -> dict[str, Any]:
    """The simple values of these names. A value of another type becomes `{}`, which is rejected where it matters."""
    found = entity if isinstance(entity, dict) else {}
    return {name: {} if isinstance(found[name], dict | list) else found[name] for name in names if name in found}


def _about(status: Any) -> dict[str, Any]:
    """A status on which somebody acted: its id, audience and author."""
    return _plain(status, ("uri", "visibility")) | {"account": _plain(within(status, "account"), ("id", "uri"))}


def quoted(status: Any) -> Any:
    """The status that a status quotes with its author's consent; None if there is none, or only its id is shown."""
    quote = within(status, "quote")
    return within(quote, "quoted_status") if within(quote, "state") == "accepted" else None


# What it becomes


def parse(line: bytes) -> Sequence[Record]:
    """One recorded status, notification or name on a list -> its records."""
    item = json_object(line)
    if snapshots.NAME in item:
        return _listed(item)
    occurred_at = from_iso(item.get("created_at"))
    with dated(occurred_at):
        return _notification(item, occurred_at) if "type" in item else tuple(_status(item, occurred_at))


def act_id(kind: str, actor: str, about: str) -> str:
    """Id of a like or reshare that the API reports without an id. The id is the same in every report of the act."""
    return derived_id(actor, f"{kind} {about}", 0)


def _listed(item: dict[str, Any]) -> Sequence[Record]:
    """An act of somebody on a list without times; none if an earlier day's list had the name."""
    if item.get(snapshots.AT) is None:
        return ()
    occurred_at, kind = from_micros(item[snapshots.AT]), shown(item.get("kind"))
    if kind is None or kind not in KINDS.values():
        raise Rejected("kind of list is unknown")
    with dated(occurred_at):
        actor, about = account_id(item[snapshots.NAME]), account_id(item.get("object"), "object")
        author = account_id(item.get("author"), "author")
        return (Act(kind, actor, author, occurred_at, act_id(kind, actor, about), about),)


def _notification(item: dict[str, Any], occurred_at: int) -> Sequence[Record]:
    kind = KINDS.get(shown(item["type"]) or "")
    if kind is None:
        return (Ignored(occurred_at, unknown=shown(item["type"]) or "other"),)
    actor, me = account_id(within(item, "account", "uri")), account_id(item.get("me"), "target")
    account = _account(item["account"], actor, occurred_at)
    if kind == "follow":
        return (Act(kind, actor, me, occurred_at, derived_id(actor, me, occurred_at)), account)
    if within(item, "status", "visibility") not in PUBLIC:
        return (Ignored(occurred_at),)
    about = account_id(within(item, "status", "uri"), "object")
    return (Act(kind, actor, me, occurred_at, act_id(kind, actor, about), about), account)


def _status(item: dict[str, Any], occurred_at: int) -> Iterator[Record]:
    actor, name = account_id(within(item, "account", "uri")), account_id(item.get("uri"), "status")
    reblog = item.get("reblog")
    if any(within(one, "visibility") not in PUBLIC for one in (item, item if reblog is None else reblog)):
        yield Ignored(occurred_at)
        return
    yield _account(item["account"], actor, occurred_at)
    if reblog is not None:
        about, author = (
            account_id(within(reblog, "uri"), "object"),
            account_id(within(reblog, "account", "uri"), "author"),
        )
        yield Act("reshare", actor, author, occurred_at, name, about)
        return
    yield Author(name, actor)
    mentions = item.get("mentions")
    for mention in mentions if isinstance(mentions, list) else ():
        yield _act("mention", actor, within(mention, "uri"), occurred_at, name)
    if (about := quoted(item)) is not None:
        yield _act("quote", actor, within(about, "account", "uri"), occurred_at, name, within(about, "uri"))
    reply = None
    if item.get("in_reply_to_id") is not None or item.get("in_reply_to_account_id") is not None:
        to = item.get("in_reply_to")
        reply = _act("reply", actor, within(to, "author"), occurred_at, name, within(to, "status"))
        yield reply
    if not isinstance(reply, Act):
        yield Act("post", actor, actor, occurred_at, name)


def _act(kind: str, actor: str, target: Any, occurred_at: int, name: str, about: Any = None) -> Act | Unresolved:
    """One of several acts of a status. Returns `Unresolved` if it names nobody, so that the other acts still count."""
    try:
        to = account_id(target, "target")
        return Act(kind, actor, to, occurred_at, name, None if about is None else account_id(about, "object"))
    except Rejected as fault:
        return Unresolved(f"{kind}: {NO_TARGET if target is None else fault.reason}", occurred_at)


def _account(account: dict[str, Any], name: str, occurred_at: int) -> Account:
    followers, following = (
        count if type(count) is int and 0 <= count <= _MOST_COUNT else None for count in map(account.get, _COUNTS)
    )
    try:
        created_at = from_iso(account.get("created_at"))
    except Rejected:
        created_at = None
    return Account(
        name,
        occurred_at,
        shown(account.get("acct")),
        shown(account.get("display_name")),
        created_at,
        followers,
        following,
        account.get("bot") if isinstance(account.get("bot"), bool) else None,
    )


def count(status: Any, name: str) -> int:
    """A count of a status; 0 if there is none."""
    value = within(status, name)
    return value if type(value) is int and value > 0 else 0


def instant(entity: Any) -> int | None:
    """When the entity was created, in microseconds since 1970; None if it does not say."""
    try:
        return from_iso(within(entity, "created_at"))
    except Rejected:
        return None
