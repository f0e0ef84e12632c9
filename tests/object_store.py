"""An S3-compatible object store on loopback, in a process of its own: moto's server, which counts its requests and fails on
request.

moto tests `If-None-Match` and writes in two steps, so a lock joins them, as stores do.
"""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from jobs import session

BUCKET = "bucket"
CONTROL = "/_control"  # not a name of a bucket
SLOW_DOWN = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
SECRETS = {"AWS_ACCESS_KEY_ID": "AKIAOBJECTSTORETESTS", "AWS_SECRET_ACCESS_KEY": "pl4nted+secret/of-the-store"}

AGENTS = {
    "aws-sdk-cpp": "arrow",
    "aws-sdk-java": "spark",
    "object_store": "deltalake",
}  # sign in a User-Agent -> client
ENTRY = re.compile(rb"<Contents>(?:(?!</Contents>).)*?<Key>([^<]*)</Key>.*?</Contents>", re.DOTALL)  # of a list

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class Fault:
    """What happens to the next `times` requests of this kind (`kind_of`) whose key matches the pattern, after `seconds`.

    `slow_down`: refused with 503. `slow`: carried out later. `lost`: carried out, and the connection closed without
    an answer. `stale`: a list that lacks the objects with such keys. `blind`: carried out without its conditions.
    """

    what: str
    kind: str
    key: str = ""
    times: int = 1_000_000
    seconds: float = 0


@dataclass(frozen=True)
class ObjectStore:
    """A running store with one empty bucket. `environment` is what a client needs."""

    endpoint: str
    environment: Mapping[str, str]

    def root(self, name: str = "warehouse") -> str:
        """The URL of a warehouse."""
        return f"s3://{BUCKET}/{name}"

    def fail(self, *faults: Fault) -> None:
        """From now on these faults and no others."""
        self._ask({"faults": [asdict(fault) for fault in faults]})

    def counts(self) -> Counter[str]:
        """Kind of request -> how many came since the last call, refused ones too."""
        return Counter(self._ask({"counts": True}))

    def clients(self) -> Counter[str]:
        """As `counts`, by client (`client_of`)."""
        return Counter(self._ask({"clients": True}))

    def objects(self, prefix: str = "") -> list[str]:
        """The keys of all objects in the bucket that begin so."""
        return [key for key in self._ask({"objects": True}) if key.startswith(prefix)]

    def put(self, folder: Path, name: str) -> str:
        """Uploads a folder under this name; returns its URL."""
        self._ask({"folder": str(folder), "name": name})
        return self.root(name)

    def holding(self, text: str) -> list[str]:
        """The keys of the objects that hold the text."""
        return self._ask({"text": text})

    def _ask(self, what: dict[str, Any]) -> Any:
        with urlopen(Request(self.endpoint + CONTROL, json.dumps(what).encode()), timeout=60) as answer:
            return json.load(answer)


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """A store until the block ends."""
    command = [sys.executable, "-m", "tests.object_store"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | SECRETS
    ) as server:
        try:
            assert server.stdout is not None
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            yield ObjectStore(endpoint, {**SECRETS, "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"})
        finally:
            server.kill()


@pytest.fixture(scope="session")
def store_server() -> Iterator[ObjectStore]:
    pytest.importorskip("moto", reason="the object store of these tests is moto's server")
    with object_store() as found:
        yield found


@pytest.fixture
def store(store_server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """An object store, with what its clients need in the environment."""
    for name, value in store_server.environment.items():
        monkeypatch.setenv(name, value)
    yield store_server
    store_server.fail()


def s3_jars() -> list[str]:
    """Hadoop's client for S3, as set-up or `$CLOUT_S3_JARS` gave it; possibly none."""
    return session.jars("CLOUT_S3_JARS", "s3/*.jar")


@pytest.fixture
def store_environment(store: ObjectStore) -> dict[str, str]:
    """What a process needs that uses Spark on the store; skips without Hadoop's client."""
    jars = s3_jars() or pytest.skip("set-up could not download org.apache.hadoop:hadoop-aws (set CLOUT_S3_JARS)")
    return {**store.environment, "CLOUT_S3_JARS": ",".join(jars)}


def kind_of(environ: Mapping[str, Any]) -> str:
    """GET, HEAD, PUT, COPY, COMMIT (a conditional PUT), DELETE, LIST or MULTIPART."""
    method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
    if "uploadId" in query or "uploads" in query:
        return "MULTIPART"
    if method == "PUT" and "HTTP_IF_NONE_MATCH" in environ:
        return "COMMIT"
    if method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return "COPY"
    if method == "GET" and ("list-type" in query or "prefix=" in query):
        return "LIST"
    return "DELETE" if method == "POST" and "delete" in query else method


def client_of(environ: Mapping[str, Any]) -> str:
    """`arrow`, `spark` or `deltalake`, by what the client says of itself."""
    agent = environ["HTTP_USER_AGENT"]
    (client,) = (client for sign, client in AGENTS.items() if sign in agent)
    return client


class _Server:
    """moto's application with counts and faults."""

    def __init__(self, app: App, backend: Any) -> None:
        self.app = app
        self.backend = backend
        self.counts: Counter[str] = Counter()
        self.clients: Counter[str] = Counter()
        self.faults: list[Fault] = []
        self.lock, self.commits = threading.Lock(), threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == CONTROL:
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(self._control(environ)).encode()]
        kind = kind_of(environ)
        with self.lock:
            self.counts[kind] += 1
            self.clients[client_of(environ)] += 1
            fault = self._fault(kind, environ["PATH_INFO"] if kind != "LIST" else "")
        if fault is None:
            return self._answer(kind, environ, start)
        if fault.what == "slow_down":
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start("503 Slow Down", [("Content-Type", "application/xml"), ("Content-Length", str(len(SLOW_DOWN)))])
            return [SLOW_DOWN]
        time.sleep(fault.seconds)
        if fault.what == "blind":
            del environ["HTTP_IF_NONE_MATCH"]
        if fault.what == "stale":
            return self._stale(fault, environ, start)
        answer = self._answer(kind, environ, start)
        if fault.what == "lost":
            list(answer)
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionError("lost on request")
        return answer

    def _answer(self, kind: str, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if kind != "COMMIT":
            return self.app(environ, start)
        with self.commits:
            return list(self.app(environ, start))

    def _stale(self, fault: Fault, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        heads: list[Any] = []
        body = b"".join(self.app(environ, lambda *head: heads.append(head)))
        body = ENTRY.sub(lambda found: b"" if re.search(fault.key, found[1].decode()) else found[0], body)
        status, headers, *_ = heads[0]
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start(status, [*kept, ("Content-Length", str(len(body)))])
        return [body]

    def _fault(self, kind: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and fault.kind == kind and (kind == "LIST" or re.search(fault.key, path)):
                fault.times -= 1
                return fault
        return None

    def _control(self, environ: dict[str, Any]) -> Any:
        asked = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        objects = self.backend.buckets[BUCKET].keys
        if "folder" in asked:
            folder = Path(asked["folder"])
            for path in (path for path in folder.rglob("*") if path.is_file()):
                self.backend.put_object(BUCKET, f"{asked['name']}/{path.relative_to(folder)}", path.read_bytes())
        if "text" in asked:
            return [key for key in sorted(objects) if asked["text"].encode() in objects[key].value]
        with self.lock:
            if "faults" in asked:
                self.faults = [Fault(**fault) for fault in asked["faults"]]
            if "counts" in asked:
                counts, self.counts = self.counts, Counter()
                return counts
            if "clients" in asked:
                clients, self.clients = self.clients, Counter()
                return clients
        return sorted(objects)


def serve() -> None:
    """Serves on a free port and prints it; ends when standard input does."""
    from moto.s3.models import s3_backends
    from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    class Handler(MotoRequestHandler):
        protocol_version = "HTTP/1.1"  # clients keep their connections

        def log(self, *_: Any) -> None:
            pass

    backend = s3_backends["123456789012"]["aws"]
    backend.create_bucket(BUCKET, "us-east-1")
    app = _Server(DomainDispatcherApplication(create_backend_app), backend)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    print(server.port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    serve()
