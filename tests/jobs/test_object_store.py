"""Settings of both clients of an object store: the same store, and no secret among them."""

import pytest

from jobs import object_store, session
from jobs.errors import UsageError
from jobs.warehouse import object_files
from jobs.warehouse.storage import Warehouse

ROOT = "s3://bucket/clout"
SECRETS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_SESSION_TOKEN": "t0k3n"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "CLOUT_S3_JARS"):
        monkeypatch.delenv(name, raising=False)
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    return monkeypatch


def test_a_folder_needs_no_settings() -> None:
    assert object_files.deltalake_options("/srv/clout") is None
    assert object_store.spark_settings("/srv/clout") == {}
    assert object_store.spark_url("/srv/clout/scores") == "/srv/clout/scores"


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("", "s3.eu-north-1.amazonaws.com"),
        ("http://127.0.0.1:9000", "127.0.0.1:9000"),
        ("https://store.example", "store.example"),
    ],
)
def test_both_clients_reach_the_same_store_and_find_the_secrets_themselves(
    environment: pytest.MonkeyPatch, endpoint: str, name: str
) -> None:
    environment.setenv("AWS_ENDPOINT_URL", endpoint)
    environment.setenv("AWS_REGION", "eu-north-1")
    options, settings = object_store.delta_options("http://127.0.0.1:1"), object_store.spark_settings(ROOT)
    assert options["aws_conditional_put"] == "etag"
    assert (options["aws_endpoint_url"], options["proxy_url"]) == (f"http://{name}", "http://127.0.0.1:1")
    assert object_store.endpoint() == (endpoint or f"https://{name}")
    own = "spark.hadoop.fs.s3a.bucket.bucket"
    assert settings == {f"{own}.endpoint.region": "eu-north-1", f"{own}.path.style.access": str(bool(endpoint)).lower()}
    assert not set(SECRETS.values()) & {*options.values(), *settings.values()}
    assert object_store.spark_url(f"{ROOT}/scores") == "s3a://bucket/clout/scores"


@pytest.mark.parametrize(
    "endpoint",
    [
        "store.example:9000",
        "https://",
        "ftp://store.example",
        "https://store.example/path",
        "http://store.example:port",
        "http://store.example:99999",
        "http://[::1",
        "https://ana:p4ss@store.example",
    ],
)
def test_an_address_that_is_no_url_of_a_store_is_refused(environment: pytest.MonkeyPatch, endpoint: str) -> None:
    environment.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(UsageError, match=r"^AWS_ENDPOINT_URL: expected an address such as https://") as refused:
        Warehouse(ROOT).exists()
    assert "p4ss" not in str(refused.value)


def test_an_address_that_only_some_clients_read_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL_S3", "https://store.example")
    with pytest.raises(UsageError, match=r"^AWS_ENDPOINT_URL_S3: .*; set AWS_ENDPOINT_URL in its place$"):
        Warehouse(ROOT).exists()


def test_a_region_of_china_has_a_name_of_its_own(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_REGION", "cn-north-1")
    assert object_store.endpoint() == "https://s3.cn-north-1.amazonaws.com.cn"


def test_spark_without_a_client_for_the_store_says_what_to_do(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CLOUT_WAREHOUSE", ROOT)
    environment.setattr(session, "jars", lambda *_: [])
    with pytest.raises(UsageError, match=r"^CLOUT_WAREHOUSE=s3://bucket/clout: .*; set CLOUT_S3_JARS to the jars"):
        session.s3_jars()
    environment.setattr(session, "settings", lambda: {"spark.jars.packages": "org.apache.hadoop:hadoop-aws:3.4.2"})
    assert session.s3_jars() == []
    environment.setenv("CLOUT_WAREHOUSE", "/srv/clout")
    environment.setattr(session, "settings", dict)
    assert session.s3_jars() == []
