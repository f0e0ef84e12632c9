"""Why a user is not there: deleted, or renamed. A name answers 404 either way, but a renamed user keeps the number."""

from jobs.sources.live.bodies import json_of
from jobs.sources.live.http import Api, NotThereError, WithheldError
from jobs.sources.live.recording import Recording
from jobs.sources.live.roster import DeletedError, RenamedError
from jobs.sources.values import within


def why_gone(
    error: NotThereError, api: Api, user: Recording, days: int, *, who: str, named: str, path: str
) -> NotThereError:
    """The error to raise for a user whose unit is not there. It is `DeletedError` if the user's number is not there either, and
    `RenamedError` if the number has another name. It is `error` itself if nothing of the user was recorded on the `days`
    before, if the user is withheld, or if the number still has the name, as a hidden profile may.

    The unit's name is the account's id. `who` is the field of a recorded item that holds the user, `named` the field that holds
    the user's name, and `path` the path to a user by number.
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
