"""People and pages of the web, which URLs name: the platform `web`, which feeds and webmentions share."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from jobs.sources.values import ID_LENGTH

PLATFORM = "web"
MOST_LETTERS = ID_LENGTH - 256  # leaves room for a host in front, in an id


def account(url: Any) -> str | None:
    """The account of the person or site with this URL, None if it is no URL of the web. Spellings that browsers treat alike are
    one account, `http` and `https` too: `HTTP://Example.org` -> `https://example.org/`."""
    parts = _split(url)
    if parts is None:
        return None
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    return urlunsplit(("https", named + port, parts.path or "/", parts.query, ""))


def site(url: Any) -> str | None:
    """The account of the site that has this page, None if it is no URL of the web."""
    parts = _split(url)
    return account(f"{parts.scheme}://{parts.netloc}") if parts else None


def host(url: Any) -> str | None:
    """The host of a URL of the web, else None."""
    parts = _split(url)
    return parts.hostname if parts else None


def content(name: str, host_name: str) -> str:
    """The id of content that a host publishes under this name. A name that is no URL on the host, such as `tag:...`, gets the
    host as a prefix, so that no host can claim what is another's."""
    return name if host(name) == host_name else f"{host_name}:{name}"


def _split(url: Any) -> Any:
    if type(url) is not str or len(url) > MOST_LETTERS or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if is_web else None
