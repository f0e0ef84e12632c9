"""Settings of an S3-compatible object store, for its three clients: `deltalake`, which commits, Arrow's, which reads and writes
files, and Hadoop's, which does so in Spark.

All find endpoint and secrets in the environment (`AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
`AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), or else ask the machine for its role. No setting that clout passes on holds a
secret, so none reaches a command line or a log.
"""

import os
from urllib.parse import urlsplit

S3 = "s3://"
DEFAULT_REGION = "us-east-1"  # also deltalake's

# For throttled requests. With the clients' own numbers, a task may fail after less than 2 s.
ATTEMPTS = 16


def is_s3(root: str) -> bool:
    """Whether the warehouse is in an S3-compatible object store."""
    return root.startswith(S3)


def delta_options(root: str) -> dict[str, str] | None:
    """Options of deltalake for a warehouse at `root`; None unless it is in an object store. A commit is a conditional PUT,
    whatever the environment says: of two writers, only one makes a version."""
    if not is_s3(root):
        return None
    allow_http = str(_endpoint().startswith("http://")).lower()
    return {
        "aws_conditional_put": "etag",
        "aws_s3_allow_unsafe_rename": "false",
        "aws_allow_http": allow_http,
        "max_retries": str(ATTEMPTS - 1),
    }


def arrow_settings() -> dict[str, str]:
    """Arguments of Arrow's `S3FileSystem`."""
    endpoint = urlsplit(_endpoint())
    chosen = {"region": _region()}
    return chosen | {"scheme": endpoint.scheme, "endpoint_override": endpoint.netloc} if endpoint.netloc else chosen


def spark_settings(root: str) -> dict[str, str]:
    """Spark's settings for a warehouse at `root`; empty unless it is in an object store. Spark itself gives the endpoint and
    the secrets of the driver's environment to the executors."""
    if not is_s3(root):
        return {}
    bucket = urlsplit(root).netloc
    return {
        f"spark.hadoop.fs.s3a.bucket.{bucket}.endpoint.region": _region(),
        # A store on an address of its own has no subdomain for each bucket.
        f"spark.hadoop.fs.s3a.bucket.{bucket}.path.style.access": str(bool(_endpoint())).lower(),
    }


def spark_url(url: str) -> str:
    """The URL under which Hadoop's client knows the object."""
    return f"s3a://{url.removeprefix(S3)}" if is_s3(url) else url


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def _endpoint() -> str:
    return os.environ.get("AWS_ENDPOINT_URL", "")
