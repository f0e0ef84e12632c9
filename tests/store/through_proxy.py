"""A connection to a store through the proxy that counts requests."""

from base64 import b64encode
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit


class ThroughProxy(HTTPConnection):
    """A connection to the proxy at this URL. Each request has the URL's password."""

    def __init__(self, proxy: str) -> None:
        url = urlsplit(proxy)
        user = f"{url.username}:{url.password}"
        self.authorization = {"proxy-authorization": f"Basic {b64encode(user.encode()).decode()}"}
        super().__init__(str(url.hostname), url.port, timeout=60)

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **others: Any) -> None:
        super().request(method, url, body, self.authorization | (headers or {}), **others)
