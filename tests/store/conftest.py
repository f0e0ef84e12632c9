"""A warehouse in an object store, for tests of its own and for those of a warehouse on disk."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession

from jobs import object_store
from jobs.warehouse import store_requests
from jobs.warehouse.storage import Warehouse
from tests.jobs.cli.conftest import clout  # noqa: F401 # a fixture
from tests.jobs.warehouse.conftest import frame, meeting, reject  # noqa: F401 # fixtures
from tests.jobs.warehouse.deciding import EARLIER, pull
from tests.object_store import ObjectStore
from tests.store.plain_server import PlainServer, plain_server
from tests.store.through_proxy import ThroughProxy


@pytest.fixture
def warehouse(empty: Warehouse, store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """As the fixture of the same name, in an object store: a warehouse moves there as its files do."""
    monkeypatch.setenv("CLOUT_SUPPRESSION_JOURNAL", str(tmp_path / "left.jsonl"))
    return Warehouse(store.put(Path(empty.root), uuid4().hex))


@pytest.fixture
def before(store: ObjectStore, tmp_path: Path) -> Callable[[], str]:
    """`before()`: a new warehouse into which a day was pulled."""
    made = Warehouse(str(tmp_path / "before"))
    made.create_tables()
    pull(made, EARLIER)
    return lambda: store.put(Path(made.root), uuid4().hex)


@pytest.fixture
def spark(spark: SparkSession, store: ObjectStore, store_environment: dict[str, str]) -> Iterator[SparkSession]:
    """The session of all tests, whose queries know the store. Its JVM began without the store's variables."""
    settings = {
        name.removeprefix("spark.hadoop."): value for name, value in object_store.spark_settings(store.root()).items()
    } | {
        "fs.s3a.endpoint": store.endpoint,
        "fs.s3a.access.key": store_environment["AWS_ACCESS_KEY_ID"],
        "fs.s3a.secret.key": store_environment["AWS_SECRET_ACCESS_KEY"],
    }
    for name, value in settings.items():
        spark.conf.set(name, value)
    yield spark
    for name in settings:
        spark.conf.unset(name)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlainServer]:
    """The store that the environment names."""
    with plain_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield server


@pytest.fixture
def to_proxy(plain: PlainServer) -> Iterator[ThroughProxy]:
    """A connection to the proxy for `plain`."""
    with closing(ThroughProxy(store_requests.proxy())) as connection:
        yield connection


@pytest.fixture
def passed_on() -> Callable[[], int]:
    """`passed_on()`: the requests that this process's proxies passed on."""
    return lambda: sum(proxy.requests() for proxy in store_requests._proxies)
