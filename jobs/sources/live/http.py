"""HTTP requests of live sources: they stay within a budget, wait as long as a platform asks, and reveal no secrets.

Errors and logs name only the host and path of a URL. They omit its query, headers and bodies, which may hold secrets. A wait
until an instant is measured by the platform's clock (header `Date`), because this machine's clock may be wrong.
"""

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Self, TypeVar

import httpx2

from jobs import __version__
from jobs.errors import UsageError
from jobs.sources.live import tls
from jobs.sources.live.bodies import MAX_ANSWER_BYTES, Answer, body, json_of
from jobs.sources.live.budget import ApiError, Budget
from jobs.sources.live.recording import GONE, WITHHELD
from jobs.sources.live.waits import MARGIN_S, PassingError, asked_wait_s, is_limited, is_used_up, now, retrying

log = logging.getLogger(__name__)
for name in ("httpx2", "httpcore2"):  # at INFO and DEBUG they log whole URLs and headers
    logging.getLogger(name).setLevel(logging.WARNING)

CONTACT = "CLOUT_CONTACT"  # variable: an e-mail address or a web page by which platforms can reach the operator
TIMEOUT_S = 30
LIMITED_S = 60  # wait after a limit that only the body of a 403 names, as GitHub's secondary limit may
TRIES = 6
REDIRECTS = 5
OF_CREDENTIALS = (b"bad credentials", b"invalid_token", b"insufficient_scope")  # in the body of a 403
CONDITIONS = ("if-none-match", "if-modified-since")

T = TypeVar("T")


class NotAllowedError(UsageError):
    """The platform refuses the credentials (status 401, or what its body says). A retry with the same ones would not help."""


class ForbiddenError(NotAllowedError):
    """The platform denies access and does not name the credentials as cause (status 403): it may deny this resource only, or
    everything. `roster` decides which."""


class NotThereError(ApiError):
    """The requested resource does not exist or is gone (status 404 or 410). `reason` is its text in a note."""

    reason: ClassVar[str] = GONE


class WithheldError(NotThereError):
    """The requested resource is withheld for legal reasons (status 451)."""

    reason = WITHHELD


# (status, parsed body or None if it is not JSON, host and path) -> the error that they mean
Fault = Callable[[int, Any, str], Exception | None]


class Client(ABC):
    """Requests that stay within a budget. A subclass decides which addresses it asks. `connection` names the credentials in
    errors."""

    tries = TRIES

    def __init__(
        self,
        budget: Budget,
        *,
        headers: Mapping[str, str] | None = None,
        connection: str | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._budget = budget
        self._connection = connection
        self._resets: dict[str, float] = {}  # host -> the budget's time from which on it grants requests again
        own = {"user-agent": user_agent(), **(headers or {})}
        self._client = httpx2.Client(timeout=TIMEOUT_S, headers=own, verify=tls.context(), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @abstractmethod
    def _refuse(self, url: httpx2.URL) -> None:
        """Raises `ApiError` if the URL, which a redirect may have named, must not be asked."""

    def _wait(self, seconds: float) -> None:
        """Waits between two attempts. Raises `OutOfBudgetError`."""
        self._budget.wait(seconds)

    def _get(
        self, url: httpx2.URL, read: Callable[[httpx2.Response, str], T], headers: Mapping[str, str] | None = None
    ) -> T:
        """What `read` returns for the response; `read` also gets the host and path, for its errors. Makes at most `tries`
        attempts while failures may be transient. Between attempts it waits as long as the platform asks, else with exponential
        backoff. Several threads may call it.

        Raises `OutOfBudgetError`, `NotAllowedError` or `NotThereError`, or `ApiError` if the platform fails in another way.
        """
        where = f"{url.host}{url.path}"
        return retrying(where, self.tries, self._budget, self._wait)(self._ask, url, where, read, headers)

    def _ask(
        self,
        url: httpx2.URL,
        where: str,
        read: Callable[[httpx2.Response, str], T],
        headers: Mapping[str, str] | None,
    ) -> T:
        for _ in range(REDIRECTS):
            self._refuse(url)
            self._wait_for_reset(url.host)
            self._budget.spend()
            try:
                with self._client.stream("GET", url, headers=headers) as answer:
                    self._note_reset(answer)
                    if not answer.has_redirect_location:
                        self._refuse_failure(answer, where)
                        return read(answer, where)
                    url = url.join(answer.headers["location"])
            except httpx2.RequestError as error:
                raise PassingError(type(error).__name__) from None
            except httpx2.InvalidURL:
                raise ApiError(f"{where}: redirects to an invalid URL") from None
        self._refuse(url)
        raise ApiError(f"{where}: redirects more than {REDIRECTS} times")

    def _note_reset(self, answer: httpx2.Response) -> None:
        """Notes when the host grants requests again, if this response used up the last one. After a refusal, the next attempt
        waits instead."""
        is_last = is_used_up(answer) and not is_limited(answer)
        if is_last and (asked := asked_wait_s(answer)) is not None:
            self._resets[answer.url.host] = self._budget.clock() + asked + MARGIN_S

    def _wait_for_reset(self, host: str) -> None:
        """Waits if the host said that it grants no further request, instead of provoking a refusal."""
        seconds = self._resets.get(host, 0) - self._budget.clock()
        if seconds > 0:
            self._wait(seconds)

    def _refuse_failure(self, answer: httpx2.Response, where: str) -> None:
        is_unchanged = answer.status_code == httpx2.codes.NOT_MODIFIED and any(
            map(answer.request.headers.get, CONDITIONS)
        )
        if not is_unchanged:
            refuse_failure(answer, where, self._connection)


class Api(Client):
    """A client of one platform's JSON API. `base` is the URL below which the API's paths lie; it refuses other addresses.

    `fault` returns the error that the platform describes in a body, whatever the status. After a `PassingError` comes another
    attempt. Raises `UsageError` if `base` is no HTTP or HTTPS URL.
    """

    def __init__(
        self,
        base: str,
        budget: Budget,
        *,
        headers: Mapping[str, str] | None = None,
        connection: str | None = None,
        fault: Fault = lambda *_: None,
    ) -> None:
        self._base = address(base)
        self._fault = fault
        super().__init__(budget, headers=headers, connection=connection)

    def get(self, path: str, params: Mapping[str, Any] | None = None, etag: str | None = None) -> Answer:
        """The JSON response for a path below the base, or for a whole URL of the same scheme, host and port. `etag` is the
        version at hand (RFC 9110 section 13.1.2). Several threads may call it.

        Raises `OutOfBudgetError`, `NotAllowedError` or `NotThereError`, or `ApiError` if the platform fails in another way.
        """
        return self._get(self._address(path, params), self._answer, {"if-none-match": etag} if etag else None)

    def pages(self, path: str, params: Mapping[str, Any] | None = None, etag: str | None = None) -> Iterator[Answer]:
        """Yields the response of `get` and the pages that follow it by `Link: rel=next`. Raises like `get`, and `ApiError` if a
        page links to one that was already read."""
        seen: set[str] = set()
        following: str | None = str(self._address(path, params))
        while following:
            if following in seen:
                raise ApiError(f"{httpx2.URL(following).host}: the list of pages links back to a page already read")
            seen.add(following)
            answer = self.get(following, etag=etag)
            yield answer
            following, etag = answer.next, None

    def _address(self, path: str, params: Mapping[str, Any] | None) -> httpx2.URL:
        url = httpx2.URL(path if "://" in path else f"{str(self._base).rstrip('/')}/{path.lstrip('/')}")
        return url.copy_merge_params(dict(params)) if params else url  # empty params would drop the URL's own query

    def _refuse(self, url: httpx2.URL) -> None:
        if (url.scheme, url.host, url.port) != (self._base.scheme, self._base.host, self._base.port):
            raise ApiError(f"{self._base.host}: leads to another host, {url.host}, which clout does not ask")

    def _refuse_failure(self, answer: httpx2.Response, where: str) -> None:
        if answer.status_code >= 400:
            content = body(answer, where, MAX_ANSWER_BYTES)
            value = None
            with suppress(ValueError):
                value = json_of(content)
            self._refuse_fault(answer, value, where)
            if answer.status_code == 403 and not is_limited(answer):
                if b"rate limit" in content.lower():
                    raise PassingError("the rate limit is reached", LIMITED_S)
                if any(each in content.lower() for each in OF_CREDENTIALS):
                    raise NotAllowedError(denial(403, where, self._connection))
        super()._refuse_failure(answer, where)

    def _refuse_fault(self, answer: httpx2.Response, value: Any, where: str) -> None:
        if error := self._fault(answer.status_code, value, where):
            if isinstance(error, PassingError) and error.wait_s is None:
                error.wait_s = asked_wait_s(answer)
            raise error

    def _answer(self, answer: httpx2.Response, where: str) -> Answer:
        if answer.status_code == httpx2.codes.NOT_MODIFIED:
            return Answer(None, None, now(answer), dict(answer.headers), is_unchanged=True)
        try:
            value = json_of(body(answer, where, MAX_ANSWER_BYTES))
        except ValueError:
            raise PassingError("the answer is not JSON") from None
        self._refuse_fault(answer, value, where)
        return Answer(value, answer.links.get("next", {}).get("url"), now(answer), dict(answer.headers))


def user_agent() -> str:
    """The text by which platforms know who asks: the version of clout, and the operator's contact if one is set."""
    contact = os.environ.get(CONTACT)
    return f"clout/{__version__}" + (f" ({contact})" if contact else "")


def refuse_failure(answer: httpx2.Response, where: str, connection: str | None) -> None:
    """Raises what a status other than 200 means: `PassingError`, `NotAllowedError`, `NotThereError` or `ApiError`."""
    status = answer.status_code
    if is_limited(answer):
        raise PassingError("the rate limit is reached", asked_wait_s(answer))
    if status in (401, 403):
        raise (NotAllowedError if status == 401 else ForbiddenError)(denial(status, where, connection))
    if status in (404, 410, 451):
        missing = WithheldError if status == 451 else NotThereError
        raise missing(f"{where}: {missing.reason} ({status})")
    if status in (408, 425) or status >= 500:
        raise PassingError(f"status {status}", asked_wait_s(answer))
    if status != httpx2.codes.OK:
        raise ApiError(f"{where}: status {status}")


def denial(status: int, where: str, connection: str | None) -> str:
    """What a refusal says, with the connection to check."""
    fix = f"check connection {connection!r}" if connection else "it needs a connection"
    return f"{where}: not allowed ({status}); {fix}"


def address(text: str) -> httpx2.URL:
    """The URL. Raises `UsageError` if it is no HTTP or HTTPS URL."""
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(f"{text.partition('?')[0]}: expected an address, such as https://example.org")
    return url
