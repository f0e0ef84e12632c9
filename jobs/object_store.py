"""Settings of an S3-compatible object store, for its three clients: `deltalake`, which commits and reads small files, Arrow's,
which reads and writes files, and Hadoop's, which does so in Spark.

Endpoint and region come from the environment (`AWS_ENDPOINT_URL`, `AWS_REGION`). There the clients themselves find the secrets
(`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), or else ask the machine for its role. No setting that clout
passes on holds a secret of the store, so none reaches a command line or a log.
"""

import os
import re
from urllib.parse import urlsplit

from jobs.errors import UsageError

S3 = "s3://"
DEFAULT_REGION = "us-east-1"

# For throttled requests. With the clients' own numbers, a task may fail after less than 2 s.
ATTEMPTS = 16


def is_s3(root: str) -> bool:
    """Whether the warehouse at `root` is in an S3-compatible object store."""
    return root.startswith(S3)


def delta_options(proxy: str) -> dict[str, str]:
    """Options of deltalake, whose requests to the store go through the proxy at this URL. The proxy speaks TLS to the store if
    the endpoint has it. A commit is a conditional PUT, whatever the environment says: of two writers, only one makes a
    version."""
    return {
        "aws_conditional_put": "etag",
        "aws_s3_allow_unsafe_rename": "false",
        "aws_virtual_hosted_style_request": "false",
        "aws_endpoint_url": f"http://{urlsplit(endpoint()).netloc}",
        "aws_allow_http": "true",
        "aws_region": _region(),
        "proxy_url": proxy,
        "proxy_excludes": "",
        "max_retries": str(ATTEMPTS - 1),
    } | _role()


def _role() -> dict[str, str]:
    """Without a key in the environment, AWS's SDK asks for the machine's role, which it does without the proxy."""
    return {} if "AWS_ACCESS_KEY_ID" in os.environ else {"aws_force_credential_load": "true"}


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


def endpoint() -> str:
    """The URL of the store; AWS's own unless the environment names another. Raises `UsageError` if that is not the URL of a
    server."""
    if "AWS_ENDPOINT_URL_S3" in os.environ:
        raise UsageError("AWS_ENDPOINT_URL_S3: Spark does not read this variable; set AWS_ENDPOINT_URL in its place")
    if not _endpoint():
        return f"https://s3.{_region()}.amazonaws.com" + (".cn" if _region().startswith("cn-") else "")
    if not _is_server(_endpoint()):
        example = "expected an address such as https://store.example:9000, without user and path"
        raise UsageError(f"AWS_ENDPOINT_URL: {example}")  # without its value, which may hold a password
    return _endpoint()


def _is_server(url: str) -> bool:
    """Whether the URL has a server, maybe a port, and nothing else."""
    try:
        address = urlsplit(url).hostname, urlsplit(url).port
    except ValueError:
        return False
    return bool(address[0] and re.fullmatch("https?://[^/?#@]+/?", url))


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def _endpoint() -> str:
    return os.environ.get("AWS_ENDPOINT_URL", "")
