"""Where a code of consent may be at the domain that is an account's handle."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from jobs import codes
from jobs.sources import bluesky_domains
from jobs.sources.live import dns_texts, profiles, web
from jobs.sources.live.budget import ApiError, Budget, OutOfBudgetError
from tests.jobs.sources import dns_server
from tests.jobs.sources.platform_server import Reply, served

CODE = "clout-public-" + "a" * 32


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(codes.VARIABLE, "7" * 64)


@pytest.fixture(autouse=True)
def records() -> Iterator[dns_server.Records]:
    """`records["_atproto.ana.example"] = [...]`: what DNS answers."""
    with dns_server.served() as served:
        yield served


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Reply]]:
    """`hosts["https://..."] = Reply(...)`: what the web answers; all hosts are one on loopback, which has no robots.txt."""
    answers: dict[str, Reply] = {}
    with served() as platform:
        platform.answer = lambda path: answers.get(path.removeprefix("/").replace("|", "/"), Reply(None, 404))

        class Everywhere(web.Web):
            def document(self, url: str, kinds: Collection[str], known: web.Version | None = None) -> web.Document:
                return super().document(f"{platform.url}/{url.replace('/', '|')}", kinds, known)

        monkeypatch.setattr(web, "PublicTransport", lambda exempt: None)
        for module in (profiles, bluesky_domains):
            monkeypatch.setattr(module, "Web", Everywhere)
        yield answers


def looked_up(tmp_path: Path, did: str = "did:plc:ana") -> list[tuple]:
    bluesky_domains.keep(tmp_path, Budget(100, 60, sleep=lambda _: None), did)
    return [(one.account, one.place, list(one.codes), one.is_whole) for one in profiles.kept(tmp_path)]


JSON = {"Content-Type": "application/json"}


def names(*known: str) -> Reply:
    return Reply({"alsoKnownAs": list(known)}, headers=JSON)


@pytest.mark.parametrize(
    ("did", "document"),
    [
        ("did:plc:ana", "https://plc.directory/did:plc:ana"),
        ("did:web:ana.example", "https://ana.example/.well-known/did.json"),
    ],
)
def test_a_code_at_the_domain_that_an_account_has_as_its_handle_is_seen(
    hosts: dict[str, Reply], tmp_path: Path, did: str, document: str
) -> None:
    hosts[document] = names("https://other.example", "at://ana.example")
    hosts["https://ana.example/.well-known/clout-consent"] = Reply(
        CODE.encode(), headers={"Content-Type": "text/plain"}
    )
    assert looked_up(tmp_path, did) == [(did, "domain", [CODE], True)]


def test_a_domain_without_a_code_has_none_and_one_that_fails_is_not_whole(
    hosts: dict[str, Reply], tmp_path: Path
) -> None:
    hosts["https://plc.directory/did:plc:ana"] = names("at://ana.example")
    assert looked_up(tmp_path / "a") == [("did:plc:ana", "domain", [], True)]
    hosts["https://ana.example/.well-known/clout-consent"] = Reply(b"", 500)
    assert looked_up(tmp_path / "b") == [("did:plc:ana", "domain", [], False)]


PLAIN = {"Content-Type": "text/plain"}


@pytest.mark.parametrize(
    ("handle", "reply", "claimed"),
    [
        ("Ana.example", Reply(b"did:plc:ana\n", headers=PLAIN), ["domain ana.example", "own bluesky:ana.example"]),
        ("ana.bsky.social", Reply(b"did:plc:ana", headers=PLAIN), ["own bluesky:ana.bsky.social"]),
        ("ana.example", Reply(b"did:plc:bo", headers=PLAIN), []),
        ("ana.example", Reply(None, 404), []),
        ("ana.example", Reply(b"", 500), None),
    ],
)
def test_a_handle_is_claimed_only_if_its_domain_names_the_account(
    hosts: dict[str, Reply], tmp_path: Path, handle: str, reply: Reply, claimed: list[str] | None
) -> None:
    hosts["https://plc.directory/did:plc:ana"] = names(f"at://{handle}")
    hosts[f"https://{handle.lower()}/.well-known/atproto-did"] = reply
    looked_up(tmp_path)
    assert [one.claims for one in profiles.kept(tmp_path)] == [claimed]


ANA, BO, OTHER = "did=did:plc:ana", "did=did:plc:bo", "v=spf1 -all"
FILE_OF_ANA, FILE_OF_BO = Reply(b"did:plc:ana", headers=PLAIN), Reply(b"did:plc:bo", headers=PLAIN)
NO_FILE, BROKEN = Reply(None, 404), Reply(b"", 500)
OWNED = ["domain ana.example", "own bluesky:ana.example"]


@pytest.mark.parametrize(
    ("found", "reply", "claimed"),
    [
        ([ANA], NO_FILE, OWNED),
        ([OTHER * 30, ANA], BROKEN, OWNED),  # one record of several strings
        ([ANA], FILE_OF_BO, OWNED),  # DNS decides
        ([BO], FILE_OF_ANA, []),
        ([ANA, BO], FILE_OF_ANA, []),
        ([OTHER], FILE_OF_ANA, OWNED),
        ([], NO_FILE, []),
        (dns_server.FAILS, FILE_OF_ANA, OWNED),
        (dns_server.FAILS, NO_FILE, None),
        (dns_server.FAILS, FILE_OF_BO, []),
    ],
)
def test_a_record_in_dns_verifies_a_handle_too(
    hosts: dict[str, Reply],
    records: dns_server.Records,
    tmp_path: Path,
    found: list[str],
    reply: Reply,
    claimed: list[str] | None,
) -> None:
    hosts["https://plc.directory/did:plc:ana"] = names("at://ana.example")
    records["_atproto.ana.example"] = found
    hosts["https://ana.example/.well-known/atproto-did"] = reply
    looked_up(tmp_path)
    assert [one.claims for one in profiles.kept(tmp_path)] == [claimed]


def test_a_look_up_counts_as_a_request(records: dns_server.Records) -> None:
    records["_atproto.ana.example"] = [ANA]
    budget = Budget(1, 60, sleep=lambda _: None)
    assert dns_texts.texts(budget, "_atproto.ana.example") == [ANA]
    with pytest.raises(OutOfBudgetError, match="1 requests is used up"):
        dns_texts.texts(budget, "_atproto.ana.example")
    with pytest.raises(ApiError, match=r"^a\.\.example: DNS does not answer \(EmptyLabel\)$"):
        dns_texts.texts(Budget(1, 60), "a..example")


def test_no_code_is_asked_of_a_handle_below_blueskys_own_domain(hosts: dict[str, Reply], tmp_path: Path) -> None:
    hosts["https://plc.directory/did:plc:ana"] = names("at://ana.bsky.social")
    hosts["https://ana.bsky.social/.well-known/clout-consent"] = Reply(CODE.encode())
    assert looked_up(tmp_path) == [("did:plc:ana", "domain", [], True)]


@pytest.mark.parametrize("did", ["did:plc:gone", "did:key:x", "did:web:a/b"])
def test_without_a_document_nothing_is_known(hosts: dict[str, Reply], tmp_path: Path, did: str) -> None:
    with pytest.raises(ApiError):
        looked_up(tmp_path, did)
    assert list(profiles.kept(tmp_path)) == []
