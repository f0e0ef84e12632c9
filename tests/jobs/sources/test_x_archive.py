"""A person's own archive of X. Made by hand: no real archive may lie here."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import UsageError
from jobs.sources.page import Act, Author, Record, Unresolved
from jobs.sources.values import NO_TIME
from jobs.sources.x_archive import TARGET_GONE, XArchiveSource, parse
from tests.jobs.sources.conftest import CountPages, Survives

DAY = date(2026, 11, 3)
NOON = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * 1_000_000
POST = {"id_str": "7", "created_at": "Tue Nov 03 12:00:00 +0000 2026", "full_text": "secret"}
WROTE = Author("7", "1")


def parsed(**more: Any) -> Sequence[Record]:
    return parse("1", json.dumps({"tweet": POST | more}).encode())


def naming(*ids: Any) -> dict[str, Any]:
    return {"entities": {"user_mentions": [{"id_str": each, "screen_name": "a"} for each in ids]}}


def script(name: str, value: object) -> str:
    return f"window.YTD.{name}.part0 = {json.dumps(value, indent=2)}"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    account = [{"account": {"accountId": "1", "username": "ana"}}]
    (tmp_path / "data" / "account.js").write_text(script("account", account))
    (tmp_path / "data" / "tweets.js").write_text(
        script("tweets", [{"tweet": POST | {"id_str": str(n)}} for n in (7, 8)])
    )
    (tmp_path / "data" / "tweets-part1.js").write_text(script("tweets", [{"tweet": POST | {"id_str": "9"}}]))
    (tmp_path / "data" / "like.js").write_text(script("like", [{"like": {"tweetId": "3"}}]))
    return tmp_path


@pytest.mark.parametrize(
    ("more", "records"),
    [
        ({}, (Act("post", "1", "1", NOON, "7"), WROTE)),
        ({"full_text": "RT @bo: @cy"} | naming("2", "3"), (Act("reshare", "1", "2", NOON, "7"), WROTE)),
        ({"full_text": "RT @bo: a"} | naming("-1"), (Unresolved(TARGET_GONE, NOON), WROTE)),
        (
            {"in_reply_to_user_id_str": "2", "in_reply_to_status_id_str": "5"} | naming("2", "3"),
            (Act("reply", "1", "2", NOON, "7", "5"), Act("mention", "1", "3", NOON, "7"), WROTE),
        ),
        (
            {"entities": {"urls": [{"expanded_url": "https://twitter.com/bo/status/5?s=20"}]}},
            (Act("post", "1", "1", NOON, "7"), Act("quote", "1", None, NOON, "7", "5"), WROTE),
        ),
        ({"created_at": None}, (Unresolved(NO_TIME, None), WROTE)),
        ({"created_at": "2026-11-03T12:00:00Z"}, (Act("post", "1", "1", NOON, "7"), WROTE)),
    ],
)
def test_what_a_post_becomes(more: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert parsed(**more) == records


def test_hostile_posts_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    post = POST | naming("2") | {"in_reply_to_user_id_str": "2"}
    post["entities"]["urls"] = [{"expanded_url": "https://x.com/bo/status/5"}]
    survives(partial(parse, "1"), [json.dumps({"tweet": post}).encode(), json.dumps(POST).encode()])


def test_an_archive_is_read_with_its_parts_and_without_its_likes(archive: Path, count_pages: CountPages) -> None:
    for place in (archive, archive / "data"):
        source = XArchiveSource("me", [str(place)])
        totals = count_pages(source.pages(DAY, DAY))
        assert (totals.kinds, totals.lines, totals.faults) == ({"post": 3}, 3, {})
        (account, *_) = [row for page in source.pages(DAY, DAY) for row in page.accounts.to_pylist()]
        assert (account["account_id"], account["handle"]) == ("1", "ana")


def test_an_archive_that_breaks_off_says_so(archive: Path, count_pages: CountPages) -> None:
    path = archive / "data" / "tweets.js"
    path.write_text(path.read_text()[:-40])
    totals = count_pages(XArchiveSource("me", [str(archive)]).pages(DAY, DAY))
    assert totals.kinds == {"post": 2}
    assert [note.reason for note in totals.notes] == ["tweets.js breaks off at line 2"]


def test_a_folder_that_is_no_archive_is_refused(archive: Path) -> None:
    (archive / "data" / "account.js").write_text("window.YTD.account.part0 = [ ]")
    with pytest.raises(UsageError, match="expected the account of the archive's person"):
        XArchiveSource("me", [str(archive)])
    for path in (archive / "data").glob("tweets*"):
        path.unlink()
    with pytest.raises(UsageError, match="expected the folder of an unpacked archive"):
        XArchiveSource("me", [str(archive)])
