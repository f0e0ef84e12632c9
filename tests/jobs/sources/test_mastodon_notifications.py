"""The notifications of an account: who acted on it, and when."""

from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from jobs.errors import UsageError
from tests.jobs.sources.killed import recorded
from tests.jobs.sources.mastodon_instance import (
    ANA,
    CY,
    DI,
    SECRET,
    Instance,
    acts,
    at,
    mention,
    opened,
    person,
    pulled,
    status,
)


def notification(
    number: int, kind: str, by: dict[str, Any], hour: float, about: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {"id": str(number), "type": kind, "created_at": at(hour), "account": by, "status": about}


@pytest.fixture
def notified(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setenv("CLOUT_CONNECTION_MASTO", SECRET)
    post, secret = instance.statuses[2], status(40, ANA, at(2), visibility="private")
    instance.notifications = [
        notification(1, "favourite", CY, -1, post),
        notification(2, "favourite", CY, 8, post),
        notification(3, "reblog", CY, 9, post),
        notification(4, "follow", DI, 10),
        notification(5, "mention", DI, 11, status(41, DI, at(11), mentions=[mention(ANA)])),
        notification(6, "mention", DI, 12, status(42, DI, at(12), visibility="direct", mentions=[mention(ANA)])),
        notification(7, "favourite", DI, 13, secret),
        notification(8, "follow", person(9, "shy@far.example", noindex=True), 14),
        notification(9, "favourite", DI, 24.2, post),
        notification(90, "mention", DI, 15),  # of a status that was deleted
        notification(91, "favourite", DI, 16),
    ]
    return instance


NOTIFIED = {
    ("like", "cy", "ana", 8),
    ("reshare", "cy", "ana", 9),
    ("follow", "di", "ana", 10),
    ("post", "di", "di", 11),
    ("mention", "di", "ana", 11),
}


def test_notifications_have_times(notified: Instance, tmp_path: Path) -> None:
    source = opened(notified, tmp_path, notifications=True)
    assert acts(source) == NOTIFIED
    assert notified.platform.headers["authorization"] == f"Bearer {SECRET}"
    assert not [path for path in recorded(tmp_path) if b"/statuses/40" in zstd.decompress(path.read_bytes())]
    notified.platform.asked.clear()
    assert acts(opened(notified, tmp_path, notifications=True)) == NOTIFIED
    assert notified.platform.asked == []


def test_posts_whose_notifications_are_read_have_no_lists(notified: Instance, tmp_path: Path) -> None:
    found = acts(opened(notified, tmp_path, notifications=True, accounts=["ana", "bo"]))
    assert {act for act in found if act[0] in ("like", "follow")} == {
        ("like", "cy", "ana", 8),
        ("follow", "di", "ana", 10),
    }
    assert {act for act in found if act[0] == "reshare"} == {("reshare", "cy", "ana", 9), ("reshare", "bo", "ana", 7)}


def test_notifications_need_a_token(instance: Instance, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"connection 'masto' is missing: set CLOUT_CONNECTION_MASTO to a token"):
        pulled(opened(instance, tmp_path, notifications=True))
