"""What no longer counts of an account's earlier days: all its acts if the account is gone; else the statuses that it deleted,
and the replies to it that others deleted."""

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote

from jobs.sources.live.bodies import Answer, json_of
from jobs.sources.live.http import Api, ForbiddenError, NotThereError, WithheldError
from jobs.sources.live.recording import Recording
from jobs.sources.live.roster import DeletedError
from jobs.sources.values import within

TakenBack = tuple[str | None, str]  # `uri` and author; without a `uri`, all that the author did


def looked_up(api: Api, name: str, account: Recording, days: int) -> Answer:
    """The account of this name. If the account is gone or suspended, raises an error: `DeletedError` when the recording of one
    of the `days` before has the account's `uri`, else `NotThereError`."""
    try:
        answer = api.get("api/v1/accounts/lookup", {"acct": name})
        if within(answer.value, "suspended") is not True:
            return answer
    except WithheldError:
        raise
    except NotThereError:
        pass
    for _, by in _recorded(account, days):
        raise DeletedError(by)
    raise NotThereError(f"{name}: not there")


def deleted(account: Recording, days: int, seen: Collection[Any]) -> list[TakenBack]:
    """The statuses recorded on the `days` before, each with its author, that are not in the list `seen`, which reaches back
    before these days. A list without any status proves nothing."""
    return [each for each in _recorded(account, days if seen else 0) if each[0] not in seen]


def deleted_replies(api: Api, thread: Recording, days: int, replies: Collection[Any]) -> list[TakenBack]:
    """The replies recorded on the `days` before, each with its author, that are neither in the thread's whole list nor on the
    instance any more. A reply to a deleted reply leaves the thread, but is still on the instance."""
    listed = {within(one, "uri") for one in replies}
    found: list[TakenBack] = []
    for earlier in thread.earlier(days):
        for item in map(json_of, earlier.items):
            own, uri, by = within(item, "id"), within(item, "uri"), within(item, "account", "uri")
            if isinstance(uri, str) and isinstance(by, str) and uri not in listed and _is_gone(api, own):
                found.append((uri, by))
    return found


def _is_gone(api: Api, own: Any) -> bool:
    try:
        api.get(f"api/v1/statuses/{quote(str(own), safe='')}")
    except (ForbiddenError, WithheldError):
        return False
    except NotThereError:
        return True
    return False


def _recorded(account: Recording, days: int) -> Iterator[tuple[str, str]]:
    """The `uri` of each recorded status and of its author, the newest day first."""
    for earlier in account.earlier(days):
        for item in map(json_of, earlier.items):
            uri, by = within(item, "uri"), within(item, "account", "uri")
            if isinstance(uri, str) and isinstance(by, str):
                yield uri, by
