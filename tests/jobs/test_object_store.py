"""Settings of both clients of an object store: the same store, and no secret among them."""

import pytest

from jobs import object_store, session
from jobs.errors import UsageError

ROOT = "s3://bucket/clout"
SECRETS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_SESSION_TOKEN": "t0k3n"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "CLOUT_S3_JARS"):
        monkeypatch.delenv(name, raising=False)
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    return monkeypatch


def test_a_folder_needs_no_settings() -> None:
    assert object_store.delta_options("/srv/clout") is None
    assert object_store.spark_settings("/srv/clout") == {}
    assert object_store.spark_url("/srv/clout/scores") == "/srv/clout/scores"


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:9000", "https://store.example"])
def test_both_clients_reach_the_same_store_and_find_the_secrets_themselves(
    environment: pytest.MonkeyPatch, endpoint: str
) -> None:
    environment.setenv("AWS_ENDPOINT_URL", endpoint)
    environment.setenv("AWS_REGION", "eu-north-1")
    options, settings = object_store.delta_options(ROOT), object_store.spark_settings(ROOT)
    assert options is not None
    assert options["aws_conditional_put"] == "etag"
    assert options["aws_allow_http"] == str(endpoint.startswith("http:")).lower()
    own = "spark.hadoop.fs.s3a.bucket.bucket"
    assert settings == {f"{own}.endpoint.region": "eu-north-1", f"{own}.path.style.access": str(bool(endpoint)).lower()}
    assert not set(SECRETS.values()) & {*options.values(), *settings.values()}
    assert object_store.spark_url(f"{ROOT}/scores") == "s3a://bucket/clout/scores"


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
