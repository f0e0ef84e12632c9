"""Connections to public addresses only, for URLs that strangers chose: those of redirects and of feeds.

A host's name may resolve to an address inside the operator's network. So the name is resolved once, every address is checked,
and the connection goes to a checked address. Hosts that the operator named as a literal address or as `localhost` are exempt.
"""

import socket
import ssl
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx2

from jobs.sources.live import tls
from jobs.sources.live.budget import ApiError

_NAT64 = ip_network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}

Place = tuple[str, int]  # host and port


class PrivateAddressError(ApiError):
    """A private, loopback or link-local address that the operator did not name."""


def place(url: httpx2.URL) -> Place:
    """The host, as in DNS or as a literal address, and the port of a URL."""
    return url.raw_host.decode("ascii").strip("[]").lower(), url.port or _PORTS.get(url.scheme, 0)


def is_explicit(host: str) -> bool:
    """Whether the host is a literal address or `localhost`, so that nobody else decides where it leads."""
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def is_public(text: str) -> bool:
    """Whether the address belongs to the public internet. An IPv4 address inside an IPv6 one must be public, too."""
    address = ip_address(text)
    return all(each.is_global and not each.is_multicast for each in (address, *_embedded(address)))


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if isinstance(address, IPv4Address):
        return []
    inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inside.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in inside if each is not None]


class PublicTransport(httpx2.HTTPTransport):
    """Connects to public addresses, and to `exempt` hosts and ports. A connection serves one request: hosts may share an
    address, but not a TLS connection."""

    def __init__(self, exempt: Collection[Place], verify: ssl.SSLContext | None = None) -> None:
        super().__init__(limits=httpx2.Limits(max_keepalive_connections=0), verify=verify or tls.context())
        self._exempt = {(host, port) for host, port in exempt if is_explicit(host)}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends the request. Raises `PrivateAddressError` if its host has an address that is not public."""
        host, port = place(request.url)
        if (host, port) in self._exempt:
            return super().handle_request(request)
        addresses = _resolved(host, port)
        if not all(map(is_public, addresses)):
            raise PrivateAddressError(f"{host}: has a private address, which clout asks only if you name the address")
        for address in addresses:
            pinned = httpx2.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,  # `Host` is the name
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return super().handle_request(pinned)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if address == addresses[-1]:
                    raise
        raise AssertionError("a resolved host has an address")


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise httpx2.ConnectError("the host's name cannot be resolved") from None
    return list(dict.fromkeys(str(each[4][0]) for each in found))
