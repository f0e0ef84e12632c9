"""Documents on hosts that an operator named, such as feeds: with a cap on size and time, only if they changed, and only if the
host's robots.txt allows it. A document may also ask robots not to follow its links (`forbid_links`).

A document may redirect to another host, but not to a private address (`addresses`). Each host is a platform of its own, so
one that fails or asks for a long wait must not hold up the others. Requests do not go through a proxy, because a proxy resolves
names itself.
"""

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple
from urllib.robotparser import RobotFileParser

import httpx2

from jobs.sources.live import http
from jobs.sources.live.addresses import Place, PublicTransport, place
from jobs.sources.live.bodies import body
from jobs.sources.live.budget import ApiError, Budget
from jobs.sources.live.http import NotAllowedError, NotThereError, address

MAX_DOCUMENT_BYTES = 4 << 20  # feedparser reads 100 KB a second of a feed that was made to be slow
MAX_DOCUMENT_S = 60  # a host may send bytes so slowly that no single read times out
MAX_ROBOTS_BYTES = 512 << 10  # RFC 9309 section 2.5 asks for 500 KiB at least
MAX_WAIT_S = 60
ROBOT, ROBOTS = "clout", b"/robots.txt"

# Directives with a value begin like those for one robot: `max-snippet: 20`, `otherbot: nofollow`.
_FOR_ONE_ROBOT = re.compile(r"\s*(?!max-|unavailable_after)([\w-]+)\s*:(.*)", re.DOTALL)


class Version(NamedTuple):
    """The version of a document as its host states it. A request with this version learns whether the document changed."""

    etag: str | None = None
    modified: str | None = None


class Document(NamedTuple):
    """A document. `body` is None if the document is the known version. `url` is the address after redirects, `kind` its
    media type, `at` the host's time in seconds since 1970. `closed`: its host asks robots not to follow its links."""

    body: bytes | None
    url: str
    kind: str
    version: Version
    at: float
    closed: bool = False


class Web(http.Client):
    """A client of many hosts. `named`: the URLs that the operator named. Raises `UsageError` if one is no URL."""

    tries = 3

    def __init__(self, budget: Budget, named: Iterable[str]) -> None:
        exempt: set[Place] = {place(address(url)) for url in named}
        super().__init__(budget, transport=PublicTransport(exempt))
        self._robots: dict[str, RobotFileParser] = {}

    def document(self, url: str, kinds: Collection[str], known: Version | None = None) -> Document:
        """The document at a URL. Its media type, if it states one, must contain one of `kinds`. `known` is the version at hand.
        Raises like `Api.get`, `RobotsError` if robots.txt forbids the URL, and `ApiError` if the media type is another one or
        if robots.txt cannot be read."""
        asked = address(url)
        version = known or Version()
        conditions = {"if-none-match": version.etag, "if-modified-since": version.modified}

        def read(answer: httpx2.Response, where: str) -> Document:
            found = str(answer.request.url)
            stated = answer.headers.get("content-type", "").lower()
            kind = stated.partition(";")[0].strip()
            if answer.status_code == httpx2.codes.NOT_MODIFIED:
                return Document(None, found, kind, version, http.now(answer))
            if kind and not any(each in kind for each in kinds):
                raise ApiError(f"{where}: {kind[:80]!r} is none of the expected media types")
            new = Version(answer.headers.get("etag"), answer.headers.get("last-modified"))
            closed = forbid_links(answer.headers.get_list("x-robots-tag"))
            return Document(self._body(answer, where, MAX_DOCUMENT_BYTES), found, stated, new, http.now(answer), closed)

        return self._get(asked, read, {name: value for name, value in conditions.items() if value})

    def _rules(self, url: httpx2.URL) -> RobotFileParser:
        """The rules of the host's robots.txt, requested once. Without one, everything is allowed (RFC 9309 section 2.3.1)."""
        robots = url.copy_with(raw_path=ROBOTS, fragment=None, userinfo=b"")
        origin = str(robots)
        if origin not in self._robots:
            rules = self._robots[origin] = RobotFileParser()
            rules.parse(())  # allows everything, such as a redirect of robots.txt itself
            try:
                text = self._get(robots, lambda answer, where: self._body(answer, where, MAX_ROBOTS_BYTES))
                rules.parse(text.decode("utf-8", "replace").splitlines())
            except (NotThereError, NotAllowedError):
                pass
            except ApiError:
                del self._robots[origin]
                raise
        return self._robots[origin]

    def _body(self, answer: httpx2.Response, where: str, most_bytes: int) -> bytes:
        return body(answer, where, most_bytes, MAX_DOCUMENT_S)

    def _refuse(self, url: httpx2.URL) -> None:
        if url.scheme not in ("http", "https") or not url.host:
            raise ApiError("redirects to an address that is not on the web")
        if url.raw_path != ROBOTS and not self._rules(url).can_fetch(ROBOT, str(url)):
            raise RobotsError(f"{url.host}{url.path}: robots.txt forbids it")

    def _wait(self, seconds: float) -> None:
        if seconds > MAX_WAIT_S:
            raise ApiError(f"a host asks to wait {seconds:,.0f} s")
        super()._wait(seconds)


def forbid_links(values: Iterable[str]) -> bool:
    """Whether directives for robots, each value a list such as `noindex, nofollow` or `otherbot: none`, ask this robot not to
    follow links. `noindex` does not: it keeps a document out of lists of results, and clout makes none."""
    for value in values:
        is_for_all = True
        for directive in value.lower().split(","):
            if match := _FOR_ONE_ROBOT.fullmatch(directive):
                is_for_all = match[1] == ROBOT
                directive = match[2]
            if is_for_all and directive.strip() in ("nofollow", "none"):
                return True
    return False


class RobotsError(ApiError):
    """The host's robots.txt forbids the request."""
