"""mediawiki: one MediaWiki site, such as a Wikipedia, through its API: its thanks and what people write to each other.

https://www.mediawiki.org/wiki/API:Action_API. All items have times by the platform's clock. How far each list goes back:

    thanks     list `logevents`, type `thanks`: to the day on which the site began to log thanks
    talk       list `recentchanges`: the 30 (Wikimedia) to 90 days that the site keeps, with marks for bots; if it begins after
               the day, list `allrevisions`: to the site's first day, without pages deleted since and without marks for bots

    item                                            becomes
    thanks for an edit                              like of the editor
    edit of another person's talk page              mention of that person
    edit of one's own talk page                     ignored
    act by or for an IP address or a
    temporary account                               ignored
    act whose actor or page is hidden               unresolved

The log of thanks does not say which edit is meant, and a talk page does not say whether an edit is an answer. An account's id
is its user name, so a renamed person becomes another one. clout sends `maxlag=5` and waits if the site's replicas lag. Terms:
https://foundation.wikimedia.org/wiki/Policy:User-Agent_policy asks for a contact, so the source refuses to ask without
`CLOUT_CONTACT`; the content is under CC BY-SA. Place: the site's address.
"""

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from jobs.errors import UsageError
from jobs.sources.live import roster, sites
from jobs.sources.live.budget import ApiError
from jobs.sources.live.http import CONTACT, Api, NotAllowedError, NotThereError, PassingError
from jobs.sources.live.recording import Recording
from jobs.sources.live.settings import Settings
from jobs.sources.live.sites import Part, SiteAsk, SiteSource
from jobs.sources.live.snapshots import end_of
from jobs.sources.page import DAY_US, Account, Act, Ignored, Note, Record, Rejected, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN, NO_TARGET, account_id, dated, from_iso, json_object, shown, within

PAGE_ITEMS = 500
MOST_LAG_S = 5
THANKS, TALK = "thanks", "talk"  # units
RECENT, ALL = "recentchanges", "allrevisions"
USERS, USER_TALK = 2, 3  # namespaces
KEPT = ("logid", "revid", "ns", "title", "user", "timestamp", "anon", "temp", "bot")

_TEMPORARY = re.compile(r"~\d{4}-")  # https://www.mediawiki.org/wiki/Help:Temporary_accounts
_PASSING = {"maxlag", "ratelimited", "readonly"}
_DENIED = {
    "readapidenied",
    "permissiondenied",
    "notloggedin",
    "badtoken",
    "assertuserfailed",
    "assertbotfailed",
    "assertnameduserfailed",
    "blocked",
    "autoblocked",
}


def parse(line: bytes) -> Sequence[Record]:
    """One recorded item -> its records."""
    item = json_object(line)
    occurred_at = from_iso(item.get("timestamp"))
    with dated(occurred_at):
        if item.get("user") is None:
            return (Unresolved(ACTOR_WITHDRAWN, occurred_at),)
        actor = account_id(item.get("user"))
        if item.get("anon") or item.get("temp") or _is_nobody(actor):
            return (Ignored(occurred_at),)
        known = Account(actor, occurred_at, handle=shown(actor), is_bot=True if item.get("bot") is True else None)
        if item.get("title") is None:
            return (Unresolved(NO_TARGET, occurred_at), known)
        target = _owner(item)
        if target == actor or _is_nobody(target):
            return (Ignored(occurred_at), known)
        if "logid" in item:
            return (Act("like", actor, target, occurred_at, f"log-{account_id(item['logid'], 'log entry')}"), known)
        revision = account_id(item.get("revid"), "revision")
        return (Act("mention", actor, target, occurred_at, f"revision-{revision}"), known)


def _owner(item: Mapping[str, Any]) -> str:
    """The user whose page the item names; the names of namespaces depend on the site's language."""
    if item.get("ns") not in (USERS, USER_TALK):
        raise Rejected("page belongs to no user")
    _, colon, page = account_id(item.get("title"), "page").partition(":")
    if not colon:
        raise Rejected("page belongs to no user")
    return account_id(page.partition("/")[0], "target")


def _is_nobody(name: str) -> bool:
    """Whether the name is an IP address or that of a temporary account."""
    if _TEMPORARY.match(name):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class MediaWikiAsk(SiteAsk):
    """One site. `api`: the path of its API; `thanks`, `user_talk`: which lists."""

    api: str = "/w/api.php"
    thanks: bool = True
    user_talk: bool = True


class MediaWikiSource(SiteSource):
    """One MediaWiki site."""

    ASK = MediaWikiAsk
    REQUESTS, MINUTES = 2_000, 60
    parse = staticmethod(parse)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if not os.environ.get(CONTACT):
            raise UsageError(f"{self.id}: set {CONTACT}; Wikimedia and others refuse clients that name no contact")

    def record(self, day: date, folder: Path) -> list[Note]:
        """Records the day's thanks and the edits of its talk pages."""
        lists = [name for name, asked in ((THANKS, self.ask.thanks), (TALK, self.ask.user_talk)) if asked]

        def record(unit: str, into: Recording) -> None:
            if unit == THANKS:
                sites.record(into, lambda position: self._thanks(api, day, position))
            else:
                name = RECENT if self._reaches_back(api, day) else ALL
                sites.record(into, lambda position: self._talk(api, day, name, position))

        with Api(self.ask.address, self.budget, fault=_fault) as api:
            return roster.record(folder, lists, "lists", record)

    def _thanks(self, api: Api, day: date, position: Any) -> Part:
        params = {"list": "logevents", "letype": "thanks", "leprop": "ids|title|type|user|timestamp"}
        return self._page(api, day, "le", params, position)

    def _talk(self, api: Api, day: date, name: str, position: Any) -> Part:
        """A page of the named list. If an earlier pull of the day read another list, this one starts from its beginning."""
        before = position["continue"] if position and position["list"] == name else None
        if name == RECENT:
            params = {"rctype": "edit|new", "rcprop": "ids|title|user|timestamp|flags", "rcnamespace": USER_TALK}
            part = self._page(api, day, "rc", {"list": name, **params}, before)
        else:
            params = {"arvprop": "ids|user|timestamp", "arvnamespace": USER_TALK}
            part = self._page(api, day, "arv", {"list": name, **params}, before)
        return part if part.next is None else part._replace(next={"list": name, "continue": part.next})

    def _page(self, api: Api, day: date, prefix: str, params: Mapping[str, Any], position: Any) -> Part:
        end = end_of(day)
        span = {"start": _iso(end - DAY_US), "end": _iso(end - 1), "dir": "newer", "limit": PAGE_ITEMS}
        own = {f"{prefix}{name}": value for name, value in span.items()}
        value = self._ask(api, day, {**params, **own, **(position or {})})
        found = sites.items_in(within(value, "query"), str(params["list"]))
        following = value.get("continue")
        return Part(
            [sites.kept(item, *KEPT) for each in found for item in _revisions(each)],
            {str(name): str(text) for name, text in following.items()} if isinstance(following, dict) else None,
        )

    def _reaches_back(self, api: Api, day: date) -> bool:
        """Whether the list of recent changes begins before the day."""
        params = {"list": RECENT, "rcprop": "timestamp", "rcdir": "newer", "rclimit": 1}
        oldest = sites.items_in(within(self._ask(api, day, params), "query"), RECENT)
        try:
            return bool(oldest) and from_iso(within(oldest[0], "timestamp")) <= end_of(day) - DAY_US
        except Rejected:
            raise ApiError("the list of recent changes has no time") from None

    def _ask(self, api: Api, day: date, params: Mapping[str, Any]) -> Any:
        common = {"action": "query", "format": "json", "formatversion": 2, "maxlag": MOST_LAG_S}
        return sites.ended(day, api.get(self.ask.api, {**common, **params}))


def _revisions(item: Any) -> list[Any]:
    """The edits in an item of a list; `allrevisions` groups them by page."""
    revisions = within(item, "revisions")
    if not isinstance(revisions, list):
        return [item]
    page = sites.kept(item, "ns", "title")
    return [page | revision if isinstance(revision, dict) else revision for revision in revisions]


def _iso(micros: int) -> str:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fault(status: int, value: Any, where: str) -> Exception | None:
    """The error that a body describes (https://www.mediawiki.org/wiki/API:Errors_and_warnings)."""
    if within(value, "error") is None:
        return None
    code = shown(within(value, "error", "code")) or "no code"
    if code in _PASSING or code.startswith("internal_api_error"):
        return PassingError(f"the site answers {code}")
    if code in _DENIED:
        return NotAllowedError(f"{where}: the site answers {code}; it is not public")
    if code == "badvalue" or code.startswith("unknown_"):
        return NotThereError(f"{where}: the site answers {code}; it has no such list")
    return ApiError(f"{where}: the site answers {code}")
