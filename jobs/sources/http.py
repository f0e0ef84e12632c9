"""HTTP requests of live sources: they stay within a budget, wait as long as a platform asks, and reveal no secrets.

Errors and logs name only the host and path of a URL. They omit its query, headers and bodies, which may hold secrets. A wait
until an instant is measured by the platform's clock (header `Date`), because this machine's clock may be wrong.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import httpx2
import orjson
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from jobs import __version__
from jobs.errors import CloutError, UsageError
from jobs.sources.budget import ApiError, Budget

log = logging.getLogger(__name__)
for name in ("httpx2", "httpcore2"):  # at INFO and DEBUG they log whole URLs and headers
    logging.getLogger(name).setLevel(logging.WARNING)

CONTACT = "CLOUT_CONTACT"  # variable: an e-mail address or a web page by which platforms can reach the operator
TIMEOUT_S = 30
MAX_ANSWER_BYTES = 64 << 20
TRIES = 6
REDIRECTS = 5

_BACKOFF = wait_exponential_jitter(initial=1, max=60)
_RESETS = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_LEFT = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")


class NotAllowedError(UsageError):
    """The platform denies access (status 401 or 403). A retry with the same credentials would not help."""


class NotThereError(ApiError):
    """The requested resource does not exist, is gone or is withheld (status 404, 410 or 451)."""


class _PassingError(Exception):
    """A failure that may be transient. `wait_s` is the number of seconds that the platform asks to wait, None if it does not
    say."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Answer(NamedTuple):
    """A parsed JSON response. `next` is the URL of the next page from the `Link` header, None if there is none."""

    value: Any
    next: str | None


Refusal = Callable[[int, Any], CloutError | None]


class Api:
    """A client of one platform's API. `base` is the URL below which the API's paths lie; `connection` names the credentials in
    errors. `refusal` is for a platform that says in the body why it refuses: it maps the status and the JSON value, None if the
    body is no JSON, to the error to raise, or to None for the usual one. Raises `UsageError` if `base` is no HTTP or HTTPS
    URL."""

    def __init__(
        self,
        base: str,
        budget: Budget,
        *,
        headers: Mapping[str, str] | None = None,
        connection: str | None = None,
        refusal: Refusal | None = None,
    ) -> None:
        try:
            self._base = httpx2.URL(base)
        except httpx2.InvalidURL:
            self._base = httpx2.URL()
        if self._base.scheme not in ("http", "https") or not self._base.host:
            raise UsageError(f"{base.partition('?')[0]}: expected an address, such as https://example.org")
        self._budget = budget
        self._connection = connection
        self._refusal = refusal
        contact = os.environ.get(CONTACT)
        agent = f"clout/{__version__}" + (f" ({contact})" if contact else "")
        self._client = httpx2.Client(timeout=TIMEOUT_S, headers={"user-agent": agent, **(headers or {})})

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """The JSON response for a path below the base, or for a whole URL of the same scheme, host and port. Makes at most
        `TRIES` attempts while failures may be transient. Between attempts it waits as long as the platform asks, else with
        exponential backoff. Several threads may call it.

        Raises `OutOfBudgetError`, `NotAllowedError` or `NotThereError`, or `ApiError` if the platform fails otherwise.
        """
        url = self._address(path, params)
        where = f"{url.host}{url.path}"
        retrying = Retrying(
            retry=retry_if_exception_type(_PassingError),
            wait=_wait_s,
            sleep=self._budget.wait,
            stop=stop_after_attempt(TRIES),
            before_sleep=lambda state: log.info(
                "%s: %s; trying again", where, state.outcome and state.outcome.exception()
            ),
            reraise=True,
        )
        try:
            return retrying(self._ask, url, where)
        except _PassingError as error:
            raise ApiError(f"{where}: {error}, {TRIES} times; pull again later") from None

    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Answer]:
        """Yields the response of `get` and the pages that follow it by `Link: rel=next`. Raises like `get`, and `ApiError` if a
        page links to one that was already read."""
        seen: set[str] = set()
        following: str | None = str(self._address(path, params))
        while following:
            if following in seen:
                raise ApiError(f"{httpx2.URL(following).host}: the list of pages links back to a page already read")
            seen.add(following)
            answer = self.get(following)
            yield answer
            following = answer.next

    def _address(self, path: str, params: Mapping[str, Any] | None) -> httpx2.URL:
        url = httpx2.URL(path if "://" in path else f"{str(self._base).rstrip('/')}/{path.lstrip('/')}")
        self._refuse_elsewhere(url)
        return url.copy_merge_params(dict(params)) if params else url  # empty params would drop the URL's own query

    def _refuse_elsewhere(self, url: httpx2.URL) -> None:
        if (url.scheme, url.host, url.port) != (self._base.scheme, self._base.host, self._base.port):
            raise ApiError(f"{self._base.host}: leads to another host, {url.host}, which clout does not ask")

    def _ask(self, url: httpx2.URL, where: str) -> Answer:
        for _ in range(REDIRECTS):
            self._budget.spend()
            try:
                with self._client.stream("GET", url) as answer:
                    if not answer.is_redirect:
                        return self._answer(answer, where)
                    url = url.join(answer.headers.get("location", ""))
            except httpx2.RequestError as error:
                raise _PassingError(type(error).__name__) from None
            except httpx2.InvalidURL:
                raise ApiError(f"{where}: redirects to an invalid URL") from None
            self._refuse_elsewhere(url)
        raise ApiError(f"{where}: redirects more than {REDIRECTS} times")

    def _answer(self, answer: httpx2.Response, where: str) -> Answer:
        status = answer.status_code
        if _is_limited(answer):
            raise _PassingError("the rate limit is reached", _asked_wait_s(answer))
        if self._refusal and status >= 400 and (error := self._refusal(status, _json(answer, where))):
            raise error
        if status in (401, 403):
            fix = f"check connection {self._connection!r}" if self._connection else "it needs a connection"
            raise NotAllowedError(f"{where}: not allowed ({status}); {fix}")
        if status in (404, 410, 451):
            raise NotThereError(f"{where}: not there ({status})")
        if status in (408, 425) or status >= 500:
            raise _PassingError(f"status {status}", _asked_wait_s(answer))
        if status != httpx2.codes.OK:
            raise ApiError(f"{where}: status {status}")
        try:
            return Answer(orjson.loads(_body(answer, where)), answer.links.get("next", {}).get("url"))
        except orjson.JSONDecodeError:
            raise _PassingError("the answer is not JSON") from None


def _body(answer: httpx2.Response, where: str) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise ApiError(f"{where}: the answer is larger than {MAX_ANSWER_BYTES:,} bytes")
    return bytes(body)


def _json(answer: httpx2.Response, where: str) -> Any:
    try:
        return orjson.loads(_body(answer, where))
    except orjson.JSONDecodeError:
        return None


def _is_limited(answer: httpx2.Response) -> bool:
    """Whether the response says that a rate limit is reached: status 429, or status 403 with a header about the limit, which
    GitHub and others send."""
    used_up = any(answer.headers.get(name) == "0" for name in _LEFT)
    return answer.status_code == 429 or (answer.status_code == 403 and (used_up or "retry-after" in answer.headers))


def _asked_wait_s(answer: httpx2.Response) -> float | None:
    """Seconds that the platform asks to wait: `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), else a reset in
    seconds, as an epoch or as an ISO time. None if there is no such header or it cannot be parsed."""
    try:
        if after := answer.headers.get("retry-after"):
            return float(after) if after.isdecimal() else parsedate_to_datetime(after).timestamp() - _now(answer)
        for name in _RESETS:
            if reset := answer.headers.get(name):
                return _until(reset, _now(answer))
    except (ValueError, TypeError, OverflowError):
        pass
    return None


def _until(reset: str, now: float) -> float:
    """Seconds from `now` to the reset: an ISO time, an epoch (numbers above 1e9) or a number of seconds."""
    try:
        number = float(reset)
    except ValueError:
        return datetime.fromisoformat(reset).timestamp() - now
    return number - now if number > 1e9 else number


def _now(answer: httpx2.Response) -> float:
    """The platform's time in seconds since 1970; this machine's if the response has no `Date`."""
    date = answer.headers.get("date")
    return parsedate_to_datetime(date).timestamp() if date else time.time()


def _wait_s(state: RetryCallState) -> float:
    """Seconds to wait before the next attempt: one more than the platform asks, else exponential backoff of at most 60 s."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_s if isinstance(error, _PassingError) else None
    return max(asked, 0) + 1 if asked is not None else _BACKOFF(state)
