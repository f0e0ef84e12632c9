"""The proxy that counts deltalake's requests: it changes nothing but the scheme and the path, and serves only the store."""

import asyncio
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import pyarrow as pa
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from deltalake import DeltaTable, write_deltalake

from jobs.causes import cause
from jobs.warehouse import object_files, store_requests
from tests.dags.up import wait_until
from tests.object_store import ObjectStore

pytestmark = pytest.mark.system

ONCE = {"max_retries": "0"}


def options(root: str) -> dict[str, str]:
    found = object_files.delta_options(root)
    assert found is not None
    return found


def made() -> int:
    """Requests that this process's proxies have passed on."""
    return store_requests._by_deltalake()


def create(root: str) -> DeltaTable:
    return DeltaTable.create(root, pa.schema([("number", pa.int64())]), storage_options=options(root) | ONCE)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost with its key, which nobody trusts yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture
def heads(store: ObjectStore, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Puts the store behind TLS, at an address on localhost; the list gets what clients send."""
    sent: list[bytes] = []
    port: Future[int] = Future()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, note: Callable[[bytes], None]) -> None:
        with closing(target), suppress(ConnectionError):
            while part := await source.read(2**16):
                note(part)
                target.write(part)
                await target.drain()

    async def connected(requests: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        from_store, to_store = await asyncio.open_connection("127.0.0.1", urlsplit(store.endpoint).port)
        await asyncio.gather(copy(requests, to_store, sent.append), copy(from_store, answers, lambda _: None))

    async def serve() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
        port.set_result(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    Thread(target=asyncio.run, args=[serve()], daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://localhost:{port.result(timeout=60)}")
    return sent


def test_requests_reach_a_store_behind_tls_with_valid_signatures(
    store: ObjectStore, heads: list[bytes], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    before = made()
    store.clients()
    assert create(store.root("secure")).version() == 0
    assert made() - before == store.clients()["deltalake"] > 0
    requests = [head for head in heads if b"\r\nauthorization: " in head]
    assert len(requests) > 3
    for request in requests:
        method, path, headers = parsed(request)
        names = re.search("SignedHeaders=([^,]*)", headers["authorization"])
        assert names is not None
        secrets = store.environment["AWS_ACCESS_KEY_ID"], store.environment["AWS_SECRET_ACCESS_KEY"]
        assert headers["authorization"].endswith(
            signature(method, path, {name: headers[name] for name in names[1].split(";")}, secrets)
        )


def parsed(request: bytes) -> tuple[str, str, dict[str, str]]:
    """Method, path and headers."""
    first, *lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    method, path, _ = first.split(" ")
    return method, path, dict(line.split(": ", 1) for line in lines)


def signature(method: str, path: str, headers: dict[str, str], secrets: tuple[str, str]) -> str:
    """AWS's own signature of the request as a server sees it."""
    auth = S3SigV4Auth(Credentials(*secrets), "s3", "us-east-1")
    request = AWSRequest(method, f"https://{headers['host']}{path}", headers=headers)
    request.context["timestamp"] = headers["x-amz-date"]
    parts = [method, path.partition("?")[0], auth.canonical_query_string(request)]
    parts += [auth.canonical_headers(request.headers) + "\n", ";".join(headers), headers["x-amz-content-sha256"]]
    return auth.signature(auth.string_to_sign(request, "\n".join(parts)), request)


def test_an_untrusted_store_gets_no_request(store: ObjectStore, heads: list[bytes]) -> None:
    with pytest.raises(OSError, match="certificate verify failed"):
        create(store.root("untrusted"))
    assert heads == []


def test_an_unreachable_store_is_named_with_the_cause(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://localhost:9")
    with pytest.raises(OSError, match="Connection refused") as failed:
        create(store.root("unreachable"))
    assert "502 Bad Gateway: https://localhost:9: Connection refused (" in cause(failed.value)
    assert made() == before


def test_a_large_object_arrives_unchanged(store: ObjectStore) -> None:
    data = pa.table({"bytes": [os.urandom(12_000_000)]})  # some parts of an upload
    write_deltalake(store.root("large"), data, storage_options=options(store.root()))
    assert DeltaTable(store.root("large"), storage_options=options(store.root())).to_pyarrow_table() == data


class Once(BaseHTTPRequestHandler):
    """A server that closes each connection after one answer, without having said so."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of `Once`, as that of the store."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Once) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        yield address
        server.shutdown()


def test_a_connection_that_the_store_closes_is_closed(once: str) -> None:
    async def read() -> bytes:
        requests, answers = await asyncio.open_connection("127.0.0.1", urlsplit(store_requests.proxy()).port)
        answers.write(f"GET {once}/a HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        with closing(answers):
            async with asyncio.timeout(60):
                return await requests.read()

    assert asyncio.run(read()).endswith(b"\r\n\r\n/a")


def test_only_the_store_is_served(once: str) -> None:
    """Whoever asks for another server gets the store's answer."""
    through = build_opener(ProxyHandler({"http": store_requests.proxy()}))
    with through.open("http://other.example/b", timeout=60) as answer:
        assert answer.read() == b"http://other.example/b"


def test_each_store_and_process_has_a_proxy_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def proxies() -> list[str]:
        found = []
        for endpoint in ("http://one.example", "https://two.example", "http://one.example"):
            monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
            found.append(store_requests.proxy())
        return found

    one, two, again = proxies()
    assert one == again != two
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert not {one, two} & set(proxies())
    assert made() == 0


def test_a_dead_proxy_fails_no_run() -> None:
    proxy = store_requests._Proxy("http://one.example")
    proxy._process.kill()
    proxy._process.wait()
    assert proxy.requests() == 0


ENDS_AT_ONCE = (
    "import os; from jobs.warehouse import store_requests; print(store_requests.proxy(), flush=True); os._exit(0)"
)


def test_a_proxy_ends_with_its_process(once: str) -> None:
    """Even if the process ends without handlers, and with no signal to both."""
    ended = subprocess.run([sys.executable, "-c", ENDS_AT_ONCE], capture_output=True, text=True, check=True)
    port = urlsplit(ended.stdout.strip()).port
    assert port is not None

    def listens() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_until(lambda: not listens(), 60, lambda: f"{ended.stdout} still listens")


def test_a_forked_process_leaves_the_proxy_running(once: str) -> None:
    store_requests.proxy()
    before = made()
    child = os.fork()
    if not child:
        for proxy in store_requests._proxies.values():
            proxy._end()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    with build_opener(ProxyHandler({"http": store_requests.proxy()})).open(f"{once}/c", timeout=60) as answer:
        assert answer.read() == b"/c"
    assert made() == before + 1
