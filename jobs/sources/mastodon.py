"""mastodon: named accounts and hashtags of one instance of Mastodon, or of software with the same API.

https://docs.joinmastodon.org/api/. The platform is `fediverse`: people and acts have their ActivityPub ids (`uri`), so their
ids are the same on several instances and in a source `activitystreams@fediverse`.

    entity                            becomes
    status of an account or hashtag,  reply to the author of its parent, else post; mention of each mentioned account; quote
    or in the thread below a post     of the status that it quotes with consent. A reblog becomes a reshare
    name in `favourited_by`           like of the post, without a time: see `jobs.sources.live.snapshots`
    name in `reblogged_by`            reshare of the post, without a time. Reblogs by asked accounts are statuses of theirs
    notification                      like, reshare or follow, with its time; a mention or quote is a status. With
                                      `notifications: true`: those of the account whose token the connection holds

An instance knows only what reached it, so clout asks about each account at its home instance, and refuses accounts of other
instances. The times of statuses come from the clocks of their authors' instances. Only public and unlisted statuses count.
Lists and notifications give no ids of likes, reblogs and follows. So such an act counts twice if another source reports it too,
such as a recorded inbox or the instance of the account that reblogged. A pull does not see follows of accounts other than the
token's, likes of statuses found by hashtag, or replies that arrive after the pull. Lists of followers are never asked.

Deletions (`jobs.sources.live.withdrawals`): if an account is gone or suspended, its acts of the `withdraw_days` before no
longer count. A later pull sees the deletion of a status or reblog if it reads that day again (`revisit_days`). It sees the
deletion of a reply by somebody else if it looks up the post again and the post's number of replies has changed. Deletions of
likes are not seen.

People's wishes: `only: opted-in`, the default, asks only about accounts that are `discoverable`, and leaves out everybody who
is `noindex`, `limited` or `suspended`, or says no to being discovered. If `hide_collections` is set, counts of followers are
left out. Software without these fields needs `only: all`. Each instance has terms of its own; the day's recording `~instance`
keeps the date of the terms in force.

Costs: an instance answers 300 requests in 5 minutes. 1,000 accounts with 5 posts a day need some 15,000 requests, 4.2 hours. A
pull does not request a list if the post's count has not changed since the list was last recorded, nor a list of likes or
reblogs if the count is 0. Posts of the `revisit_days` days before are looked up again. A day's likes can be observed until 24
hours after its end; later pulls record its statuses only.

This module uses clout's own HTTP client. Mastodon.py was the alternative. But with `throw`, its errors drop the wait that the
instance asks for; it retries no failure, quotes bodies in errors, and notices no endless pages. A session for it would repeat
all of `jobs.sources.live.http`, for the sake of ten plain requests.

Place: `@USER@HOST` or `#TAG@HOST`, all of one host.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from jobs.errors import UsageError
from jobs.sources import mastodon_profiles
from jobs.sources.live import roster
from jobs.sources.live.budget import ApiError
from jobs.sources.live.http import Api, ForbiddenError, NotAllowedError, NotThereError, PassingError, denial
from jobs.sources.live.population import Member
from jobs.sources.live.recording import Recording
from jobs.sources.live.settings import Ask, Members, Settings
from jobs.sources.live.source import LiveSource
from jobs.sources.mastodon_entities import Wishes, parse
from jobs.sources.mastodon_pull import NOTIFICATIONS, Pull
from jobs.sources.page import Note
from jobs.sources.values import within
from schemas.coverage import POPULATION

_PLACE = re.compile(r"(?P<sort>[@#])(?P<name>[^@#/\s]+)@(?P<host>[^@#/\s]+)")


class MastodonAsk(Ask):
    """`instance`: its URL. `accounts`: local ones, such as `ana` or `@ana@example.org`. `notifications`: those of the account
    whose token the connection holds. `only`: whether people's wishes count."""

    instance: str
    accounts: Members = Field(default=[])
    hashtags: list[str] = Field(default=[])
    notifications: bool = False
    only: Literal["opted-in", "all"] = "opted-in"

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not (self.accounts or self.hashtags or self.notifications):
            raise ValueError("name `accounts`, `hashtags` or `notifications`")
        return self

    @classmethod
    def of_places(cls, places: Sequence[str]) -> dict[str, Any]:
        """Accounts and hashtags of one instance."""
        found = [_PLACE.fullmatch(place) for place in places]
        hosts = {match["host"] for match in found if match}
        if None in found or len(hosts) != 1:
            raise UsageError(f"{', '.join(places)}: expected @USER@HOST or #TAG@HOST, all of one host")
        named = {sort: [match["name"] for match in found if match and match["sort"] == sort] for sort in "@#"}
        return {"instance": f"https://{hosts.pop()}", "accounts": named["@"], "hashtags": named["#"]}


class MastodonSource(LiveSource):
    """Accounts and hashtags of one instance."""

    PLATFORM = "fediverse"
    ASK = MastodonAsk
    REQUESTS, MINUTES = 18_000, 6 * 60  # 1,000 accounts
    A_MEMBER = 15  # with five posts a day: who liked, who reshared and who replied to each
    scope = POPULATION
    parse = staticmethod(parse)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        with self._api():  # refuses an instance that is no address
            self._host = urlsplit(self.ask.instance).netloc.casefold()
        if "@" in self._host:
            raise UsageError(
                f"{self.id}: the address of an instance holds no password; put a token into the connection"
            )
        asked = [member._replace(name=_local(member.name, self._host)) for member in self.members(self.ask.accounts)]
        asked += [Member(f"#{name.removeprefix('#')}") for name in self.ask.hashtags]
        self._members = tuple({member.name: member for member in asked}.values())

    def asked(self) -> tuple[Member, ...]:
        """Accounts, and hashtags with `#` in front."""
        return self._members

    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests what the day's recordings lack. Returns notes on what stays missing."""
        population = self.population(day, folder)
        notes = [population.change] if population.change else []
        with self._api() as api:
            pull = Pull(
                api,
                Wishes(self.ask.only == "all"),
                self._host,
                day,
                folder,
                members=frozenset(name.casefold() for name in population.names),
                revisit_days=self.settings.revisit_days,
                withdraw_days=self.settings.withdraw_days,
                has_token=self.optional_secret is not None,
                see_profile=partial(mastodon_profiles.keep, folder, self.budget)
                if self.seeks_codes
                else lambda *_: None,
            )
            if self.ask.notifications:
                if not Recording(folder, NOTIFICATIONS).cursor.done:
                    _ = self.secret  # refuses a missing token
                notes += roster.record(folder, [NOTIFICATIONS], "lists of notifications", pull.notifications)
            nouns = [noun for noun in ("accounts", "hashtags") if getattr(self.ask, noun)]
            notes += roster.record(folder, population.names, " and ".join(nouns), pull.unit)
            if not any(note.absent for note in notes):
                with suppress(ApiError):  # it adds only which terms were in force, and the next pull asks again
                    pull.describe()
        return notes

    def _api(self) -> Api:
        token = self.optional_secret
        headers = {"authorization": f"Bearer {token}"} if token else {}
        connection = self.connection if token else None
        fault = partial(_fault, connection)
        return Api(self.ask.instance, self.budget, headers=headers, connection=connection, fault=fault)


def _fault(connection: str | None, status: int, value: Any, where: str) -> Exception | None:
    """The error that a body describes when the status does not: 422 from Mastodon, 200 from a proxy or a fork."""
    said = within(value, "error")
    if status not in (200, 422) or not isinstance(said, str):
        return None
    for error, *texts in (
        (PassingError("the rate limit is reached"), "too many requests", "throttled"),
        (PassingError("the instance fails"), "temporary problem"),
        (NotThereError(f"{where}: not there"), "not found"),
        (NotAllowedError(denial(status, where, connection)), "access token", "authorized scopes"),
        (ForbiddenError(denial(status, where, connection)), "authenticated user", "not allowed"),
    ):
        if any(text in said.lower() for text in texts):
            return error
    return None


def _local(name: str, host: str) -> str:
    """The name of a local account, without its host. Raises `UsageError` if it is another instance's."""
    local, _, home = name.removeprefix("@").partition("@")
    if not re.fullmatch(r"[^\s/@#]+", local) or home.casefold() not in ("", host):
        raise UsageError(f"{name}: is no account of {host}; ask each account at its home instance")
    return local
