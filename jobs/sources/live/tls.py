"""The TLS settings of all clients of a process, made once: to read the certificates takes longer than a request."""

import ssl
from functools import cache

import httpx2


@cache
def context() -> ssl.SSLContext:
    """The settings, by which clients trust the certificates that httpx2 trusts by itself."""
    return httpx2.create_ssl_context()
