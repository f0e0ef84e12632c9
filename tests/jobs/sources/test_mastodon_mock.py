"""Mastodon through its real client, against mastodon-mock, which was written to answer Mastodon.py."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import httpx2
import pytest

from jobs.sources.live import http
from jobs.sources.live.budget import Budget
from jobs.sources.live.settings import Settings
from jobs.sources.mastodon import MastodonSource

mock = pytest.importorskip("mastodon_mock.testing", reason="mastodon-mock is not installed (extra `dev`)")


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with mock.MockServer() as server:
        yield server


@cache
def client() -> httpx2.Client:
    """One for all posts, because it reads certificates when it is made."""
    return httpx2.Client()


def post(server: Any, who: str, path: str, **fields: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {who}_token"} if who else {}
    answer = client().post(f"{server.base_url}/api/v1/{path}", headers=headers, json=fields)
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def day(server: Any) -> date:
    """The day on which Alice posted and the others reacted."""
    first = post(server, "alice", "statuses", status="hello @dave@remote.example #news")
    post(server, "bob", "statuses", status="@alice hi", in_reply_to_id=first["id"])
    post(server, "carol", "statuses", status="secret @alice", in_reply_to_id=first["id"], visibility="direct")
    post(server, "bob", f"statuses/{first['id']}/favourite")
    post(server, "carol", f"statuses/{first['id']}/favourite")
    post(server, "carol", f"statuses/{first['id']}/reblog")
    for number in range(45):
        post(server, "carol", "statuses", status=f"{number}")
    return datetime.fromisoformat(first["created_at"]).date()


@pytest.fixture
def opened(server: Any, day: date, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., MastodonSource]:
    """A source that sees the instance's clock on the next day."""
    shift = timedelta(days=1).total_seconds()
    now = http.now
    monkeypatch.setattr(http, "now", lambda answer: now(answer) + shift)

    def made(landing: str = "landing", **ask: Any) -> MastodonSource:
        return MastodonSource(
            Settings(
                id="mock",
                landing=tmp_path / landing,
                ask={"instance": server.base_url, "only": "all", **ask},
                budget=lambda requests, minutes: Budget(requests, minutes, sleep=lambda _: None),
            )
        )

    return made


def acts(source: MastodonSource, day: date) -> list[tuple[Any, ...]]:
    rows = [act for page in source.pages(day, day) for act in page.acts.to_pylist()]
    return [
        (row["kind"], *(row[name].rpartition("/")[2].lstrip("@") for name in ("actor_id", "target_id"))) for row in rows
    ]


def test_a_day_of_the_mock(opened: Callable[..., MastodonSource], day: date) -> None:
    found = acts(opened(accounts=["alice", "carol"]), day)
    assert set(found) == {
        ("post", "alice", "alice"),
        ("mention", "alice", "dave@remote.example"),
        ("reply", "bob", "alice"),
        ("mention", "bob", "alice"),
        ("like", "bob", "alice"),
        ("like", "carol", "alice"),
        ("reshare", "carol", "alice"),
        ("post", "carol", "carol"),
    }
    assert found.count(("post", "carol", "carol")) == 45  # on two pages
    assert found.count(("reshare", "carol", "alice")) == 1  # that of her own list
    assert acts(opened(accounts=["alice", "carol"]), day) == found


def test_hashtags_and_notifications_of_the_mock(
    opened: Callable[..., MastodonSource], day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_MOCK", "alice_token")
    found = set(acts(opened(hashtags=["news"], notifications=True), day))
    assert found == {
        ("post", "alice", "alice"),
        ("mention", "alice", "dave@remote.example"),
        ("like", "bob", "alice"),
        ("like", "carol", "alice"),
        ("reshare", "carol", "alice"),
        ("reply", "bob", "alice"),
        ("mention", "bob", "alice"),
    }


@pytest.mark.parametrize(
    "effect",
    [{"type": "status", "status": 503}, {"type": "ratelimit"}, {"type": "malformed"}],
    ids=lambda effect: effect["type"],
)
def test_faults_of_the_mock_are_retried(
    server: Any, opened: Callable[..., MastodonSource], day: date, effect: dict[str, Any]
) -> None:
    whole = sorted(acts(opened(accounts=["alice"]), day))
    for path in ("/api/v1/accounts/*/statuses", "/api/v1/statuses/*/favourited_by"):
        post(server, "", "_mock/faults", match={"path": path}, effect=effect, count=2)
    assert sorted(acts(opened("again", accounts=["alice"]), day)) == whole
