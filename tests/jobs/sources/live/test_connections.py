"""Secrets come from the environment only, and no message shows them."""

import pytest

from jobs.errors import UsageError
from jobs.sources.live import connections


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("github", "CLOUT_CONNECTION_GITHUB"),
        ("github-live", "CLOUT_CONNECTION_GITHUB_LIVE"),
        ("mastodon.social", "CLOUT_CONNECTION_MASTODON_SOCIAL"),
        ("a_b-2", "CLOUT_CONNECTION_A_B_2"),
    ],
)
def test_the_variable_of_a_connection(name: str, variable: str) -> None:
    assert connections.variable(name) == variable


def test_a_secret_is_what_the_variable_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_GITHUB", "s3cr3t:with = signs")
    assert connections.secret("github") == "s3cr3t:with = signs"
    assert connections.required("github", "a token") == "s3cr3t:with = signs"


@pytest.mark.parametrize("value", [None, ""], ids=["not set", "empty"])
def test_a_missing_secret_says_what_to_set(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("CLOUT_CONNECTION_GITHUB", raising=False)
    if value is not None:
        monkeypatch.setenv("CLOUT_CONNECTION_GITHUB", value)
    monkeypatch.setenv("CLOUT_CONNECTION_OTHER", "s3cr3t")
    assert connections.secret("github") is None
    with pytest.raises(UsageError) as raised:
        connections.required("github", "a token")
    assert str(raised.value) == (
        "connection 'github' is missing: set CLOUT_CONNECTION_GITHUB to a token, or add the Airflow connection 'github' with it"
        " as password"
    )
