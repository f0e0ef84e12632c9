"""webmentions: what other sites, and networks by way of bridges, reported to webmention.io about pages of your own domains.

https://github.com/aaronpk/webmention.io#api, https://www.w3.org/TR/webmention/. The connection holds the account's API key,
which clout sends in a header. The service states no rate limit; it keeps all mentions, so any past day can be pulled. Place: a
domain of the account; without one, all of its domains. Accounts are URLs, on the platform `web`, as for `feeds`.

    `wm-property`         becomes
    in-reply-to           reply      by the URL of the author to the site that has the mentioned page:
    like-of               like       a site is one account, also if several people write it
    bookmark-of           like       (a bookmark is saved in public, as a star on GitHub is)
    repost-of             reshare
    mention-of            mention
    rsvp, private ones    ignored

The time is `wm-received`, the service's clock; `published` is what the source says. The author is what the source's page says
of itself: the service verifies that the page links to the target, but not who wrote it. A mention without an author's URL is
unresolved. Mentions that were deleted before the pull are not listed; those deleted later stay.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jobs.sources import urls
from jobs.sources.live import recording
from jobs.sources.live.budget import ApiError
from jobs.sources.live.http import Api
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.settings import Ask, Settings
from jobs.sources.live.snapshots import end_of
from jobs.sources.live.source import LiveSource
from jobs.sources.page import DAY_US, Account, Act, Author, Ignored, Note, Record, Rejected, Unresolved
from jobs.sources.values import account_id, dated, from_iso, json_object, shown, within
from schemas.coverage import POPULATION

PUBLIC = "https://webmention.io/api"
PAGE_MENTIONS = 100
KINDS = {
    "in-reply-to": "reply",
    "like-of": "like",
    "bookmark-of": "like",
    "repost-of": "reshare",
    "mention-of": "mention",
}
IGNORED = ("rsvp",)
NO_AUTHOR = "its author names no URL"
KEPT = ("wm-id", "wm-received", "wm-property", "wm-target", "wm-private")

MENTIONS = "mentions"  # the one unit of a day


def parse(line: bytes) -> Sequence[Record]:
    """One recorded mention -> its records."""
    mention = json_object(line)
    occurred_at = from_iso(mention.get("wm-received"))
    with dated(occurred_at):
        named = mention.get("wm-property")
        if mention.get("wm-private") or named in IGNORED:
            return (Ignored(occurred_at),)
        kind = KINDS.get(named) if type(named) is str else None
        if kind is None:
            raise Rejected("wm-property is none of " + ", ".join([*KINDS, *IGNORED]))
        target = urls.site(mention.get("wm-target"))
        if target is None:
            raise Rejected("wm-target is no URL")
        name = f"webmention.io:{account_id(mention.get('wm-id'), 'wm-id')}"
        actor = urls.account(within(mention, "author", "url"))
        if actor is None:
            return (Unresolved(NO_AUTHOR, occurred_at),)
        page = account_id(mention["wm-target"], "wm-target")
        known = (
            Author(page, target),
            Account(actor, occurred_at, display_name=shown(within(mention, "author", "name"))),
        )
        return (Act(kind, actor, target, occurred_at, name, page), *known)


class WebmentionsAsk(Ask):
    """`domain`: the domain to ask about; without it, all domains of the account. `api`: the URL of the API."""

    domain: str = ""
    api: str = PUBLIC

    @classmethod
    def of_places(cls, places: Sequence[str]) -> dict[str, Any]:
        """One place, a domain; empty for all domains of the account."""
        return {"domain": places[0]} if places[0] else {}


class WebmentionsSource(LiveSource):
    """The mentions that webmention.io received for one account."""

    PLATFORM = urls.PLATFORM
    ASK = WebmentionsAsk
    REQUESTS, MINUTES = 2_000, 60
    scope = POPULATION  # the account's domains
    parse = staticmethod(parse)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        Api(self.ask.api, self.budget)  # refuses a place that is no address

    def record(self, day: date, folder: Path) -> list[Note]:
        """Records the mentions of the day that are not yet recorded. A failure or a used-up budget becomes a note, which marks
        the day as partial, or as absent if nothing of it is recorded."""
        mentions = Recording(folder, MENTIONS)
        if mentions.cursor.done:
            return []
        headers = {"authorization": f"Bearer {self.secret}"}
        try:
            with Api(self.ask.api, self.budget, headers=headers, connection=self.connection) as api:
                self._record(api, mentions, day)
        except ApiError as error:
            count = sum(len(recording.items_of(page)) for page in mentions.pages)
            reason = f"{error} after {count:,} mentions; the next pull resumes there"
            return [Note(reason, True, absent=not mentions.pages)]
        return [] if mentions.cursor.done else [Note("the day had not ended by the service's clock", True)]

    def _record(self, api: Api, mentions: Recording, day: date) -> None:
        """Records the day's mentions in ascending order, after the last recorded one. The day is done when a later mention is
        listed, or when the list ends after the day's end."""
        end = end_of(day)
        begin = datetime.fromtimestamp((end - DAY_US) // 1_000_000 - 1, UTC)  # `since` excludes its own second
        asked = {
            "since": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
            "sort-by": "created",
            "sort-dir": "up",
            "per-page": PAGE_MENTIONS,
        }
        if self.ask.domain:
            asked["domain"] = self.ask.domain
        last, done = mentions.cursor.next or 0, False
        while not done:
            answer = api.get("mentions.jf2", asked | {"since_id": last})
            listed = within(answer.value, "children")
            if not isinstance(listed, list):
                raise ApiError("webmention.io: the answer is no list of mentions")
            ids = [number for each in listed if type(number := within(each, "wm-id")) is int]
            if listed and max(ids, default=0) <= last:
                raise ApiError("webmention.io: a page repeats mentions already listed")
            last = max([last, *ids])
            of_day = [each for each in listed if not _is_after(each, end)]
            short = len(listed) < PAGE_MENTIONS
            done = len(of_day) < len(listed) or (short and answer.at * 1_000_000 >= end)
            mentions.add([_kept(each) for each in of_day], Cursor(last, done))
            if short:
                return


def _is_after(mention: Any, end: int) -> bool:
    try:
        return from_iso(within(mention, "wm-received")) >= end
    except Rejected:
        return False


def _kept(mention: Any) -> Any:
    """The parts of a mention to record, without the texts of people."""
    if not isinstance(mention, dict):
        return None
    author = {name: within(mention, "author", name) for name in ("url", "name")}
    return {name: mention[name] for name in KEPT if name in mention} | {"author": author}
