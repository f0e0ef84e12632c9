"""reddit-live: the newest submissions and comments of named subreddits, through Reddit's API by praw.

https://praw.readthedocs.io, https://www.reddit.com/dev/api. `jobs.sources.reddit` says what an item becomes; ids are those of
the dumps. Reddit lists the newest 1,000 items only, fewer if some were removed, so a day of a busy subreddit stays incomplete,
as a note says. A list that ends with fewer than `FITS` items is the subreddit's whole history. Reddit does not say who votes.

A subreddit that Reddit refuses with a reason, such as `private`, counts as not there.

Reddit's Developer Terms (https://redditinc.com/policies/developer-terms) forbid use by a business and derivative works without
a contract, any access without approval, and keeping what people removed.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jobs.errors import UsageError
from jobs.sources import reddit
from jobs.sources.live import recording, roster
from jobs.sources.live.budget import ApiError, Budget, OutOfBudgetError
from jobs.sources.live.http import TRIES, ForbiddenError, NotAllowedError, NotThereError, refuse_failure, user_agent
from jobs.sources.live.population import Member
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.settings import Members, PlacesAsk
from jobs.sources.live.snapshots import end_of
from jobs.sources.live.source import LiveSource
from jobs.sources.live.waits import PassingError, is_limited, now, retrying
from jobs.sources.page import Note
from jobs.sources.values import within

PAGE_ITEMS = 100
FITS = 500
NEWEST = "the newest items that Reddit lists do not reach back to the day's start"
KEPT = (
    "id",
    "author",
    "created_utc",
    "parent_id",
    "link_id",
    "title",
    "subreddit_type",
    "crosspost_parent",
)


class RedditLiveAsk(PlacesAsk):
    """`subreddits`: names without `r/`. `site` and `api`: the addresses for tokens and for requests."""

    PLACES = "subreddits"

    subreddits: Members
    site: str = "https://www.reddit.com"
    api: str = "https://oauth.reddit.com"


class RedditLiveSource(LiveSource):
    """Subreddits through the API."""

    PLATFORM = reddit.PLATFORM
    ASK = RedditLiveAsk
    REQUESTS, MINUTES = 3_000, 90
    A_MEMBER = 20
    parse = staticmethod(reddit.parse)

    def asked(self) -> tuple[Member, ...]:
        """All subreddits."""
        return self.members(self.ask.subreddits)

    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests the items that the day's recordings lack."""
        subreddits = self.population(day, folder)
        client_id, colon, client_secret = self.secret.partition(":")
        if not colon:
            raise UsageError(f"connection {self.connection!r} must hold {self.settings.secret}")
        client = _client(self.ask, self.budget, client_id, client_secret, day, self.connection)
        units = [f"r/{name}/{kind}" for name in subreddits.names for kind in ("new", "comments")]

        def ask(unit: str, into: Recording) -> None:
            _record(client, unit, into, end_of(day - timedelta(days=1)) // 1_000_000, self.connection)

        notes = roster.record(folder, units, "lists of items", ask)
        return [*notes, *([subreddits.change] if subreddits.change else [])]


def _client(
    asked: RedditLiveAsk, budget: Budget, client_id: str, client_secret: str, day: date, connection: str
) -> Any:
    import praw
    import prawcore

    class Requestor(prawcore.Requestor):
        """Waits and tries again like `jobs.sources.live.http`. The client itself would sleep whatever the budget, so it gets no
        answer that makes it sleep."""

        free_at = 0.0

        def request(self, *args: Any, **kwargs: Any) -> Any:
            return retrying("Reddit", TRIES, budget)(self._ask, *args, **{**kwargs, "allow_redirects": False})

        def _ask(self, *args: Any, **kwargs: Any) -> Any:
            if (seconds := self.free_at - budget.clock()) > 0:
                budget.wait(seconds)
            budget.spend()
            try:
                answer: Any = super().request(*args, **kwargs)
            except prawcore.RequestException as error:
                raise PassingError(type(error.original_exception).__name__) from None
            if is_limited(answer) or answer.status_code in (401, 408) or answer.status_code >= 500:
                refuse_failure(answer, "Reddit", connection)
            if now(answer) * 1_000_000 < end_of(day):
                raise ApiError("the day has not ended")
            left = answer.headers.pop("x-ratelimit-remaining", "")  # with it, the client sleeps beyond the budget
            with suppress(ValueError):
                if float(left) < 1:
                    self.free_at = budget.clock() + float(answer.headers.get("x-ratelimit-reset", ""))
            return answer

    return praw.Reddit(
        client_id=client_id,
        client_secret=client_secret,
        user_agent=user_agent(),
        reddit_url=asked.site,
        oauth_url=asked.api,
        check_for_updates=False,
        requestor_class=Requestor,
        ratelimit_seconds=0,
    )


@contextmanager
def _translated(unit: str, connection: str) -> Iterator[None]:
    """Raises the client's errors as the errors that `roster` handles, without the texts that they quote."""
    import praw
    import prawcore

    try:
        yield
    except (prawcore.NotFound, prawcore.Redirect, prawcore.UnavailableForLegalReasons):
        raise NotThereError(f"{unit}: not there") from None
    except prawcore.Forbidden as error:
        if _reason(error.response) is None:
            raise ForbiddenError(f"Reddit denies access (403); check connection {connection!r}") from None
        raise NotThereError(f"{unit}: not given") from None
    except prawcore.BadJSON:
        raise ApiError("Reddit does not answer with JSON") from None
    except (prawcore.OAuthException, prawcore.InvalidToken):
        raise NotAllowedError(f"Reddit denies access; check connection {connection!r}") from None
    except prawcore.ResponseException as error:
        raise ApiError(f"Reddit answers with status {error.response.status_code}") from None
    except (
        prawcore.PrawcoreException,
        praw.exceptions.PRAWException,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
    ):
        raise ApiError("Reddit does not answer as documented") from None


def _refuse_error(status: Any, unit: str, connection: str) -> None:
    """Raises the error of a body that holds a status, whatever the status of the answer."""
    match status:
        case 429:
            raise OutOfBudgetError("Reddit's rate limit is reached")
        case 401 | 403:
            error = NotAllowedError if status == 401 else ForbiddenError
            raise error(f"Reddit denies access ({status}); check connection {connection!r}")
        case 404:
            raise NotThereError(f"{unit}: not there")


def _reason(answer: Any) -> Any:
    """Why Reddit refuses, such as `private`; None if it does not say."""
    try:
        return within(answer.json(), "reason")
    except ValueError:
        return None


def _record(client: Any, unit: str, into: Recording, start: int, connection: str) -> None:
    """Records a list, newest first, back to the day's start (seconds since 1970)."""
    seen: set[str | None] = set()
    while not into.cursor.done:
        after = into.cursor.next
        if after in seen:
            raise ApiError("the list of items links back to a page already read")
        seen.add(after)
        params = {"limit": PAGE_ITEMS, "raw_json": 1, **({"after": after} if after else {})}
        with _translated(unit, connection):
            value = client.request(method="GET", path=unit, params=params)
        _refuse_error(within(value, "error"), unit, connection)
        children, following = within(value, "data", "children"), within(value, "data", "after")
        if type(children) is not list or not (following is None or type(following) is str):
            raise ApiError("the answer is not a list of items")
        items = [_kept(within(child, "data")) for child in children]
        times = [item["created_utc"] for item in items if type(item.get("created_utc")) in (int, float)]
        reached = bool(times) and times[-1] < start
        held = sum(len(recording.items_of(path)) for path in into.pages) + len(items)
        short = following is None and not reached and held >= FITS
        into.add(items, Cursor(following, reached or following is None, NEWEST if short else None))


def _kept(item: Any) -> dict[str, Any]:
    """What `jobs.sources.reddit` reads of an item."""
    if type(item) is not dict:
        return {}
    kept = {name: item[name] for name in KEPT if name in item}
    if "title" in kept:
        kept["title"] = ""  # marks a submission; its text is not kept
    originals = item.get("crosspost_parent_list")
    if type(originals) is list and originals:
        kept["crosspost_parent_list"] = [{"author": within(originals[0], "author")}]
    return kept
