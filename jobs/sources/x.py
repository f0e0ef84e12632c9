"""x: posts of named accounts and posts that mention them, through X's API v2 with a bearer token, within a budget of dollars.

https://docs.x.com/x-api/users/get-posts, /get-mentions. `jobs.sources.x_posts` says what a post becomes; the recordings hold
the parts that it reads. An account is named by its number. X charges for each post in an answer (`POST_DOLLARS`), including the
posts to which other posts refer. A request that might exceed the budget is not made. What earlier pulls of a day spent
(`SPENT`) counts when the day is resumed; `clout pull --again` asks and pays anew. An answer that breaks off is charged as the
largest possible one.

X gives the newest 3,200 posts and 800 mentions of an account, whatever the day. If the day ended more than a day ago, a pull
asks for a few older posts, to see whether these lists reach back beyond the day. Who likes or reposts is listed without times,
and search no longer gives reposts, so likes, follows and reposts by accounts that are not named stay unseen.

X's terms forbid individual profiling, tracking of users and measuring X (https://docs.x.com/developer-terms/policy and
/restricted-use-cases). What X deletes must be deleted within 24 hours of its request, and everything when the agreement ends.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import orjson

from jobs.errors import CloutError, UsageError
from jobs.files import appearing
from jobs.sources import x_posts
from jobs.sources.live import recording, roster, sites
from jobs.sources.live.bodies import Answer
from jobs.sources.live.budget import ApiError, Budget, OutOfBudgetError
from jobs.sources.live.http import Api, NotAllowedError, NotThereError
from jobs.sources.live.population import Member
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.settings import Members, PlacesAsk, Settings
from jobs.sources.live.snapshots import end_of
from jobs.sources.live.source import LiveSource
from jobs.sources.page import DAY_US, Note
from jobs.sources.values import within

PUBLIC = "https://api.x.com/2"
POST_DOLLARS = 0.005  # https://docs.x.com/x-api/getting-started/pricing, November 2026
PAGE_ITEMS = 100
MOST_REFERENCES = 2  # posts that one post can refer to: it replies and quotes
NEWEST = {"tweets": 3_200, "mentions": 800}  # posts that each list gives, whatever the day
MOST_DOLLARS = PAGE_ITEMS * (1 + MOST_REFERENCES) * POST_DOLLARS  # of one answer
ONLY_NEWEST = "X gives only the newest {most:,}"
NONE_OLDER = "X gives only the newest {most:,}, and none of them is from before the day"
OLDER_ITEMS = 5  # the fewest that X lets a request ask for
# Sorts of errors: https://docs.x.com/x-api/fundamentals/response-codes-and-errors
REFUSED = ("client-forbidden", "unsupported-authentication")
MISSING = ("resource-not-found", "not-authorized-for-resource", "disallowed-resource")
SPENT = "spent.json"
FIELDS = "author_id,created_at,in_reply_to_user_id,referenced_tweets,entities,edit_history_tweet_ids"


class XAsk(PlacesAsk):
    """`accounts`: numbers of accounts. `api`: the URL of the API."""

    PLACES = "accounts"

    accounts: Members
    api: str = PUBLIC


class XSource(LiveSource):
    """Accounts through the API. Raises `UsageError` if no budget of dollars is set."""

    PLATFORM = x_posts.PLATFORM
    ASK = XAsk
    REQUESTS, MINUTES = 2_000, 120
    A_MEMBER = 2
    parse = staticmethod(x_posts.parse)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if settings.limits.dollars is None:
            raise UsageError(
                f"{self.id}: X charges for each post; say what a pull may cost, as `budget: {{dollars: 20}}`"
            )
        self.budget.dollars = settings.limits.dollars

    def asked(self) -> tuple[Member, ...]:
        """All accounts."""
        return self.members(self.ask.accounts)

    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests the posts that the day's recordings lack."""
        accounts = self.population(day, folder)
        units = [f"{name}/{kind}" for name in accounts.names for kind in NEWEST]
        headers = {"authorization": f"Bearer {self.secret}"}
        with _PaidApi(
            self.ask.api,
            self.budget,
            folder / SPENT,
            headers=headers,
            connection=self.connection,
            fault=self._fault,
        ) as api:
            notes = roster.record(folder, units, "lists of posts", lambda unit, into: _record(api, unit, into, day))
        return [*notes, *([accounts.change] if accounts.change else [])]

    def _fault(self, status: int, value: Any, where: str) -> CloutError | None:
        if status == 402 or (status >= 400 and _problem(value) == "usage-capped"):
            return OutOfBudgetError("the credits at X are used up")
        if status >= 400 and _problem(value) in REFUSED:
            return NotAllowedError(f"X denies access ({status}); check connection {self.connection!r}")
        return None


class _PaidApi(Api):
    """A client that counts what each answer costs, in the budget and in the file `spent` of the day's folder."""

    def __init__(self, base: str, budget: Budget, spent: Path, **given: Any) -> None:
        super().__init__(base, budget, **given)
        self._spent = spent
        self._earlier = self._dollars = _dollars(spent)

    def _refuse(self, url: httpx2.URL) -> None:
        super()._refuse(url)
        self._budget.refuse_cost(self._earlier + MOST_DOLLARS)

    def _answer(self, answer: httpx2.Response, where: str) -> Answer:
        cost = 0.0 if "html" in answer.headers.get("content-type", "") else MOST_DOLLARS
        try:
            found = super()._answer(answer, where)
            cost = POST_DOLLARS * (_length(found.value, "data") + _length(found.value, "includes", "tweets"))
        finally:
            self._budget.dollars_used += cost
            self._dollars += cost
            with appearing(self._spent) as part:
                part.write_bytes(orjson.dumps({"dollars": self._dollars}))
        return found


def _dollars(spent: Path) -> float:
    """What earlier pulls of the day spent. Raises `CloutError` if the file is damaged."""
    try:
        return float(orjson.loads(spent.read_bytes())["dollars"])
    except FileNotFoundError:
        return 0.0
    except (ValueError, KeyError, TypeError):
        raise CloutError(f"{spent}: this recording is damaged; remove its folder to ask the platform again") from None


def _record(api: Api, unit: str, into: Recording, day: date) -> None:
    """Records the posts of the day in one list of an account."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    asked = {
        "max_results": PAGE_ITEMS,
        "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{start + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        "tweet.fields": FIELDS,
        "expansions": "referenced_tweets.id",
    }
    seen: set[str | None] = set()
    while not into.cursor.done:
        token = into.cursor.next
        if token in seen:
            raise ApiError("the list of posts links back to a page already read")
        seen.add(token)
        answer = api.get(f"users/{unit}", {**asked, **({"pagination_token": token} if token else {})})
        posts, following = _page(sites.ended(day, answer))
        held = sum(len(recording.items_of(path)) for path in into.pages) + len(posts)
        most, missing = NEWEST[unit.rpartition("/")[2]], None
        if following is None and held >= most:
            missing = ONLY_NEWEST.format(most=most)
        elif following is None and answer.at * 1_000_000 >= end_of(day) + DAY_US:
            older = api.get(f"users/{unit}", {"max_results": OLDER_ITEMS, "end_time": asked["start_time"]}).value
            missing = None if _page(older)[0] else NONE_OLDER.format(most=most)
        into.add(posts, Cursor(following, following is None, missing))


def _page(value: Any) -> tuple[list[dict[str, Any]], str | None]:
    """The posts of an answer as `x_posts` reads them, and the token of the next page."""
    following = within(value, "meta", "next_token")
    errors = within(value, "errors")
    if within(value, "data") is None and type(errors) is list and errors and _problem(errors[0]) in MISSING:
        raise NotThereError("the account is suspended, protected or gone")
    if type(within(value, "meta")) is not dict or not (following is None or type(following) is str):
        raise ApiError("the answer is not a list of posts")
    if within(value, "data") is not None and type(value["data"]) is not list:
        raise ApiError("the answer is not a list of posts")
    return (x_posts.flattened(value) if value.get("data") else []), following or None


def _problem(error: Any) -> str:
    """The last part of the URL that names the sort of an error."""
    return str(within(error, "type")).rpartition("/")[2]


def _length(value: Any, *keys: str) -> int:
    found = within(value, *keys)
    return len(found) if type(found) is list else 0
