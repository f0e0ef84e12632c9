"""Documents of many hosts, and addresses that nobody outside may choose."""

import socket
from collections.abc import Callable

import httpx2
import pytest

from jobs.errors import UsageError
from jobs.sources import urls
from jobs.sources.live import addresses, web
from jobs.sources.live.addresses import PrivateAddressError, PublicTransport, is_explicit, is_public
from jobs.sources.live.budget import ApiError, Budget
from jobs.sources.live.web import RobotsError, Version, Web, forbid_links
from tests.jobs.sources.platform_server import Platform, Reply


def opened(*named: str) -> Web:
    return Web(Budget(100, 60, sleep=lambda _: None), named)


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`resolving("127.0.0.1")`: every name then has these addresses."""

    real = socket.getaddrinfo

    def to(*found: str) -> None:
        def answer(host: str, port: int, *rest: int, **more: int) -> list:
            if is_explicit(host):
                return real(host, port, *rest, **more)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        monkeypatch.setattr(addresses.socket, "getaddrinfo", answer)

    return to


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("host", "explicit"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("blog.example", False), ("2130706433", False)],
)
def test_a_host_is_explicit_if_nobody_else_decides_where_it_leads(host: str, explicit: bool) -> None:
    assert is_explicit(host) is explicit


@pytest.mark.parametrize("found", [("127.0.0.1",), ("93.184.216.34", "10.0.0.1")])
def test_a_name_with_a_private_address_is_not_asked_even_if_it_is_named(
    platform: Platform, resolving: Callable[..., None], found: tuple[str, ...]
) -> None:
    resolving(*found)
    url = platform.url.replace("127.0.0.1", "blog.example")
    with pytest.raises(PrivateAddressError, match=r"^blog\.example: has a private address"):
        opened(url).document(url, ("xml",))
    assert platform.asked == []


def test_another_port_of_a_named_address_is_not_asked(platform: Platform) -> None:
    with pytest.raises(PrivateAddressError):
        opened("http://127.0.0.1:1/").document(platform.url, ("xml",))
    assert platform.asked == []


def test_a_host_with_several_addresses_is_asked_at_the_first_that_answers(
    platform: Platform, resolving: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving("::1", "127.0.0.1")  # the server listens on one of them
    monkeypatch.setattr(addresses, "is_public", lambda _: True)
    platform.answer = lambda path: Reply(b"<feed/>") if path == "/feed" else Reply(None, 404)
    url = platform.url.replace("127.0.0.1", "blog.example") + "/feed"
    assert opened(url).document(url, ("xml",)).body == b"<feed/>"


def test_a_connection_goes_to_the_checked_address_under_the_hosts_name(
    platform: Platform, resolving: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving("127.0.0.1")
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    platform.answer = lambda path: Reply(b"<feed/>") if path == "/feed" else Reply(None, 404)
    url = platform.url.replace("127.0.0.1", "blog.example") + "/feed"
    document = opened(url).document(url, ("xml",))
    assert document.url == url
    assert platform.headers["Host"].startswith("blog.example:")


def test_a_name_that_does_not_resolve_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(addresses.socket, "getaddrinfo", unknown)
    with pytest.raises(ApiError, match=r"^gone\.example/robots\.txt: ConnectError, 3 times"):
        opened().document("https://gone.example/feed", ("xml",))


def test_robots_txt_also_holds_for_a_redirect_and_may_itself_redirect(platform: Platform) -> None:
    answers = {
        "/robots.txt": Reply(b"", 302, {"Location": "/rules"}),
        "/rules": Reply(b"User-agent: *\nDisallow: /private\n"),
        "/feed": Reply(b"", 302, {"Location": "/private/feed"}),
    }
    platform.answer = lambda path: answers[path]
    with pytest.raises(RobotsError, match=r"/private/feed: robots\.txt forbids it"):
        opened(platform.url).document(f"{platform.url}/feed", ("xml",))
    assert platform.asked == ["/robots.txt", "/rules", "/feed"]


@pytest.mark.parametrize(
    ("directives", "forbidden"),
    [
        ([], False),
        (["noindex, follow"], False),
        (["noindex", "nofollow"], True),
        (["NoFollow"], True),
        (["none"], True),
        (["otherbot: noindex, nofollow"], False),
        (["otherbot: noindex, clout: nofollow"], True),
        (["clout: noindex, otherbot: nofollow"], False),
        (["max-snippet: 20, nofollow"], True),
        (["unavailable_after: Tue, 03 Nov 2026 10:00:00 GMT, nofollow"], True),
    ],
)
def test_directives_for_this_or_every_robot_may_forbid_to_follow_links(directives: list[str], forbidden: bool) -> None:
    assert forbid_links(directives) is forbidden


def test_a_connection_serves_one_request() -> None:
    """Two hosts may share an address."""
    assert PublicTransport(())._pool._max_keepalive_connections == 0


def test_an_unchanged_document_has_no_body(platform: Platform) -> None:
    platform.answer = lambda path: Reply(None, 404) if path == "/robots.txt" else Reply(b"", 304)
    document = opened(platform.url).document(platform.url, ("xml",), Version('"a"', "Tue, 03 Nov 2026 00:00:00 GMT"))
    assert document.body is None
    assert platform.headers["if-none-match"] == '"a"'
    assert platform.headers["if-modified-since"] == "Tue, 03 Nov 2026 00:00:00 GMT"
    with pytest.raises(ApiError, match="status 304"):
        opened(platform.url).document(platform.url, ("xml",))


@pytest.mark.parametrize(
    ("limit", "value", "fault"),
    [("MAX_DOCUMENT_BYTES", 100, "larger than 100 bytes"), ("MAX_DOCUMENT_S", -1, "takes longer than")],
)
def test_a_document_without_an_end_is_cut_off(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, fault: str
) -> None:
    monkeypatch.setattr(web, limit, value)
    platform.answer = lambda path: Reply(None, 404) if path == "/robots.txt" else Reply(b"<" * 1000)
    with pytest.raises(ApiError, match=fault):
        opened(platform.url).document(platform.url, ("xml",))


@pytest.mark.parametrize("text", ["", "example.org", "ftp://example.org", "https://"])
def test_what_is_no_url_of_the_web_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected an address"):
        opened(text)


@pytest.mark.parametrize(
    ("url", "account"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTP://Example.org:80/#me", "https://example.org/"),
        ("https://example.org/~ana?x=1", "https://example.org/~ana?x=1"),
        ("https://ana:secret@example.org/", "https://example.org/"),
        ("http://[::1]:8080/a", "https://[::1]:8080/a"),
        ("mailto:ana@example.org", None),
        ("javascript:alert(1)", None),
        ("https://example.org/a b", None),
        ("https://example.org:99999/", None),
        ("https://[", None),
        ("https://example.org/" + "a" * 3000, None),
        ("https://example.org/\u202e", None),
        ("", None),
        (7, None),
    ],
)
def test_spellings_of_one_url_are_one_account(url: str | int, account: str | None) -> None:
    assert urls.account(url) == account


def test_a_url_with_a_name_beyond_ascii_has_a_host() -> None:
    assert addresses.place(httpx2.URL("https://bücher.example/")) == ("xn--bcher-kva.example", 443)


def test_the_platform_of_a_document_is_its_site(platform: Platform) -> None:
    assert urls.site("https://Example.org/2026/post?x#c") == "https://example.org/"
