"""The proxy that counts deltalake's requests. It passes on what deltalake and the store say to each other, and nothing else."""

import asyncio
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

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
    found = object_files.deltalake_options(root)
    assert found is not None
    return found


def made() -> int:
    """Requests that this process's proxies have passed on."""
    return sum(proxy.requests() for proxy in store_requests._proxies)


def run(program: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


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
    assert "502 Bad Gateway: https://localhost:9: [Errno 111] Connection refused" in cause(failed.value)
    assert made() == before


def test_a_large_object_arrives_unchanged(store: ObjectStore) -> None:
    data = pa.table({"bytes": [os.urandom(12_000_000)]})  # some parts of an upload
    write_deltalake(store.root("large"), data, storage_options=options(store.root()))
    assert DeltaTable(store.root("large"), storage_options=options(store.root())).to_pyarrow_table() == data


class Plain:
    """A server that behaves as the path says; `asked` are the paths."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked.append(self.path)
                getattr(self, self.path[1:], self.send_404)()

            do_PUT = do_GET

            def send_404(self) -> None:
                self.send_error(404)

            def once(self) -> None:
                """Closes the connection without having said so."""
                self.answer(b"body", length=4)
                self.close_connection = True

            def early(self) -> None:
                """Does not wait for the request's body."""
                self.send_response(503)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"slow")
                self.close_connection = True

            def cut(self) -> None:
                self.answer(b"bo", length=4)
                self.close_connection = True

            def none(self) -> None:
                self.close_connection = True

            def chunked(self) -> None:
                self.answer(b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n")

            def chunked_and_cut(self) -> None:
                self.answer(b"2\r\nbo\r\n")
                self.close_connection = True

            def answer(self, body: bytes, length: int = 0) -> None:
                self.send_response(200)
                self.send_header(*(("Content-Length", str(length)) if length else ("Transfer-Encoding", "chunked")))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def servers() -> Iterator[Callable[[], Plain]]:
    with ExitStack() as stack:

        def start() -> Plain:
            made = Plain()
            stack.enter_context(made.server)
            Thread(target=made.server.serve_forever, args=[0.01], daemon=True).start()
            stack.callback(made.server.shutdown)
            return made

        yield start


@pytest.fixture
def metadata(servers: Callable[[], Plain]) -> Plain:
    return servers()


@pytest.fixture
def plain(servers: Callable[[], Plain], monkeypatch: pytest.MonkeyPatch) -> Plain:
    """The store that the environment names."""
    made = servers()
    monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
    return made


@pytest.fixture
def client(plain: Plain) -> Iterator[HTTPConnection]:
    """A connection to the proxy."""
    with closing(HTTPConnection(urlsplit(store_requests.proxy()).netloc, timeout=60)) as made:
        yield made


OPENS = """
from deltalake import DeltaTable
from jobs.warehouse import object_files
print(DeltaTable.is_deltatable("s3://bucket/w", object_files.deltalake_options("s3://bucket/w") | {"max_retries": "0"}))
"""


def test_a_role_is_asked_for_where_it_is_and_its_token_reaches_no_store(
    plain: Plain, metadata: Plain, tmp_path: Path
) -> None:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    settings |= {
        "AWS_ENDPOINT_URL": plain.url,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{metadata.url}/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t0k3n",
        "HOME": str(tmp_path),  # without keys
    }
    ended = run(OPENS, settings)
    assert "loading credentials" in ended.stderr
    assert metadata.asked == ["/credentials"]
    assert plain.asked == []


@pytest.mark.parametrize(("path", "body"), [("once", b"body"), ("chunked", b"body"), ("unknown", b"")])
def test_a_connection_serves_requests_one_after_the_other(
    plain: Plain, client: HTTPConnection, path: str, body: bytes
) -> None:
    """Whether or not the store keeps its own, and whatever the frame of the answer."""
    before = made()
    for method in ("GET", "GET"):
        client.request(method, f"{plain.url}/{path}")
        assert client.sock is not None
        assert body in client.getresponse().read()
    assert made() - before == len(plain.asked) == 2


def test_an_answer_that_comes_before_the_body_was_read_arrives(plain: Plain, client: HTTPConnection) -> None:
    for _ in range(3):
        client.request("PUT", f"{plain.url}/early", body=bytes(8_000_000))
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (503, b"slow")


@pytest.mark.parametrize(
    ("path", "error"), [("cut", IncompleteRead), ("chunked_and_cut", IncompleteRead), ("none", RemoteDisconnected)]
)
def test_a_cut_answer_stays_cut(plain: Plain, client: HTTPConnection, path: str, error: type[Exception]) -> None:
    client.request("GET", f"{plain.url}/{path}")
    with pytest.raises(error):
        client.getresponse().read()
    assert plain.asked == [f"/{path}"]  # once: the client decides whether it repeats a request


@pytest.mark.parametrize("other", ["http://other.example/once", "http://127.0.0.1:1/once"])
def test_only_the_store_is_served(plain: Plain, client: HTTPConnection, other: str) -> None:
    before = made()
    client.request("GET", other)
    assert client.getresponse().status == 403
    assert plain.asked == []
    assert made() == before


def test_the_proxy_has_no_secret(plain: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "pl4nted")
    proxy = store_requests._Proxy(plain.url)
    try:
        about = Path(f"/proc/{proxy._process.pid}")
        assert plain.url in (about / "cmdline").read_text()
        assert "pl4nted" not in (about / "environ").read_text() + (about / "cmdline").read_text()
    finally:
        proxy.end()


def test_each_store_has_a_proxy_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = []
    for endpoint in ("http://one.example", "https://two.example", "http://one.example"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        urls.append(store_requests.proxy())
    assert urls[0] == urls[2] != urls[1]


def test_a_dead_proxy_is_replaced_and_its_requests_count(plain: Plain, client: HTTPConnection) -> None:
    client.request("GET", f"{plain.url}/once")
    client.getresponse().read()
    before, url = made(), store_requests.proxy()
    (proxy,) = (proxy for proxy in store_requests._proxies if proxy.url == url)
    proxy._process.kill()
    proxy._process.wait()
    assert store_requests.proxy() != url
    assert made() == before > 0


STARTS = "import os, sys; from jobs.warehouse import store_requests; print(store_requests.proxy(), flush=True)\n"
FORKS = "if not os.fork(): os.close(1); os.close(2); import time; time.sleep(30); os._exit(0)\n"


@pytest.mark.parametrize("end", ["sys.exit()", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_proxy_ends_with_its_process(plain: Plain, end: str) -> None:
    """However the process ends, and although another that it forked goes on."""
    ended = run(STARTS + FORKS + end)
    port = urlsplit(ended.stdout.strip()).port
    assert port is not None

    def listens() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_until(lambda: not listens(), 15, lambda: f"{ended.stdout} still listens")


COUNTS = """
import os, sys
from http.client import HTTPConnection
from urllib.parse import urlsplit
from jobs.warehouse import store_requests

def ask(times):
    for _ in range(times):
        client = HTTPConnection(urlsplit(store_requests.proxy()).netloc, timeout=60)
        client.request("GET", os.environ["AWS_ENDPOINT_URL"] + "/once")
        client.getresponse().read()
    print(store_requests.taken("s3://bucket/w").get(store_requests.DELTALAKE), flush=True)

ask(3)
child = os.fork()
if child:
    os.waitpid(child, 0)
ask(1 if child else 2)
"""


def test_a_forked_process_counts_its_own_requests(plain: Plain) -> None:
    ended = run(COUNTS)
    assert (ended.stdout.split(), ended.stderr) == (["3", "2", "1"], "")
