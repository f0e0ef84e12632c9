"""deltalake, through the proxy that counts its requests, to a store with TLS."""

import asyncio
import os
import re
import ssl
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
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
from jobs.warehouse import object_files
from tests.object_store import ObjectStore

pytestmark = pytest.mark.system

ONCE = {"max_retries": "0"}


def options(root: str) -> dict[str, str]:
    found = object_files.deltalake_options(root)
    assert found is not None
    return found


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
    store: ObjectStore,
    heads: list[bytes],
    certificate: Path,
    passed_on: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    before = passed_on()
    store.clients()
    assert create(store.root("secure")).version() == 0
    assert passed_on() - before == store.clients()["deltalake"] > 0
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


def test_an_unreachable_store_is_named_with_the_cause(
    store: ObjectStore, passed_on: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = passed_on()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://localhost:9")
    with pytest.raises(OSError, match="Connection refused") as failed:
        create(store.root("unreachable"))
    assert "502 Bad Gateway: https://localhost:9: [Errno 111] Connection refused" in cause(failed.value)
    assert passed_on() == before


def test_a_large_object_arrives_unchanged(store: ObjectStore) -> None:
    data = pa.table({"bytes": [os.urandom(12_000_000)]})  # some parts of an upload
    write_deltalake(store.root("large"), data, storage_options=options(store.root()))
    assert DeltaTable(store.root("large"), storage_options=options(store.root())).to_pyarrow_table() == data
