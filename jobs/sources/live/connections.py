"""Secrets of platforms' APIs, from the environment only.

`CLOUT_CONNECTION_<NAME>` holds the secret of the connection NAME: a token or key, or `LOGIN:PASSWORD` where a platform needs
two parts. Airflow's tasks set the variable from the Airflow connection of the same name, for their own process. No secret is
ever in a file, a command line, a log or a table.
"""

import os
import re

from jobs.errors import UsageError


def variable(name: str) -> str:
    """The environment variable of a connection: `github-live` -> `CLOUT_CONNECTION_GITHUB_LIVE`."""
    return f"CLOUT_CONNECTION_{re.sub('[^A-Z0-9]', '_', name.upper())}"


def secret(name: str) -> str | None:
    """The secret of a connection; None if it is not set or empty."""
    return os.environ.get(variable(name)) or None


def required(name: str, what: str) -> str:
    """The secret of a connection. Raises `UsageError` if it is not set; `what` says what it must hold."""
    value = secret(name)
    if value is None:
        raise UsageError(
            f"connection {name!r} is missing: set {variable(name)} to {what}, or add the Airflow connection {name!r} with it"
            " as password"
        )
    return value
