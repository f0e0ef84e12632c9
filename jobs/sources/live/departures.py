"""Why a user is not there: deleted, or renamed. A name answers 404 either way, but a renamed user keeps the number."""

from jobs.sources.live.bodies import json_of
from jobs.sources.live.http import Api, NotThereError, WithheldError
from jobs.sources.live.recording import Recording
from jobs.sources.live.roster import DeletedError, RenamedError
from jobs.sources.values import within


def why_gone(
    error: NotThereError, api: Api, user: Recording, days: int, *, who: str, named: str, path: str
) -> NotThereError:
    """The error to raise for a user whose unit, named by the account's id, is not there by `error`. It is the same error if
    nothing of the user was recorded on the `days` before, or if the number still has the name, as a hidden profile may.

    `who` is the field of a recorded item with the user, `named` that of the user's name, `path` that of the user by number.
    """
    number = None if isinstance(error, WithheldError) else _number(user, days, who, named)
    if number is None:
        return error
    try:
        present = within(api.get(path.format(number)).value, named)
    except WithheldError:
        return error
    except NotThereError:
        return DeletedError(user.unit)
    return error if str(present).lower() == user.unit else RenamedError(f"{user.unit}: renamed")


def _number(user: Recording, days: int, who: str, named: str) -> int | None:
    for earlier in user.earlier(days):
        for item in map(json_of, earlier.items):
            number = within(item, who, "id")
            if str(within(item, who, named)).lower() == user.unit and type(number) is int:
                return number
    return None
