"""Who is who on an instance of Mastodon: the API names people in mentions and replies only by ids of the instance."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from jobs.sources.live.budget import ApiError, OutOfBudgetError
from jobs.sources.live.http import Api, NotThereError
from jobs.sources.mastodon_entities import Wishes, quoted
from jobs.sources.values import within

BATCH = 40  # accounts in one request


@dataclass
class People:
    """The accounts that a pull has seen."""

    api: Api
    wishes: Wishes
    _uris: dict[str, str | None] = field(default_factory=dict)  # the instance's id -> `uri`, None if it has none
    _unwilling: set[str] = field(default_factory=set)  # ids of those who may not appear
    _has_batches: bool = True

    def see(self, status: Any) -> None:
        """Remembers the accounts that a status shows whole."""
        for one in (status, within(status, "reblog"), quoted(status)):
            self._remember(within(one, "account"))

    def resolve(self, statuses: Sequence[dict[str, Any]]) -> None:
        """Adds to recorded statuses the `uri` of everybody whom they mention or reply to, and removes everybody who may not
        appear."""
        named = [mention.get("id") for status in statuses for mention in status.get("mentions", ())]
        named += [status.get("in_reply_to_account_id") for status in statuses]
        self._ask([one for one in dict.fromkeys(map(text_id, named)) if one and one not in self._uris])
        for status in statuses:
            mentions = [one for one in status.get("mentions", ()) if text_id(one.get("id")) not in self._unwilling]
            if "mentions" in status:
                status["mentions"] = [one | {"uri": self._uris.get(text_id(one.get("id")))} for one in mentions]
            to = text_id(status.get("in_reply_to_account_id"))
            if to in self._unwilling:
                status["in_reply_to_id"] = status["in_reply_to_account_id"] = None
            elif to:
                status["in_reply_to"] = {"author": self._uris.get(to)}

    def _ask(self, ids: Sequence[str]) -> None:
        for first in range(0, len(ids), BATCH):
            batch = ids[first : first + BATCH]
            for account in self._answers(batch):
                self._remember(account)
            for one in batch:
                self._uris.setdefault(one, None)  # not to ask again

    def _answers(self, ids: Sequence[str]) -> list[Any]:
        """The accounts with these ids: by one request if the instance can (Mastodon 4.3 and later), else one by one."""
        if self._has_batches:
            try:
                value = self.api.get("api/v1/accounts", {"id[]": list(ids)}).value
                return value if isinstance(value, list) else []
            except OutOfBudgetError:
                raise
            except ApiError:
                self._has_batches = False
        return [self._account(one) for one in ids]

    def _account(self, own: str) -> Any:
        try:
            return self.api.get(f"api/v1/accounts/{quote(own, safe='')}").value
        except NotThereError:
            return None

    def _remember(self, account: Any) -> None:
        own, uri = text_id(within(account, "id")), within(account, "uri")
        if own and isinstance(uri, str):
            self._uris[own] = uri
            if not self.wishes.may_appear(account):
                self._unwilling.add(own)


def text_id(value: Any) -> str:
    """An id as text; empty if there is none."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
