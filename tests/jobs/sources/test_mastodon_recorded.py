"""Answers of real instances (Mastodon 4.6, August 2026), recorded by the tests of Mastodon.py."""

import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
import yaml

from jobs.sources import mastodon_profiles
from jobs.sources.live import profiles
from jobs.sources.live.bodies import Answer
from jobs.sources.live.budget import Budget
from jobs.sources.live.http import Api
from jobs.sources.live.profiles import Profile
from jobs.sources.mastodon_entities import PUBLIC, Wishes, kept_account, kept_status, parse
from jobs.sources.mastodon_people import People
from jobs.sources.page import Act, Unresolved
from jobs.sources.values import NO_TARGET, within
from tests.fixture_types import FindFile

EVERYBODY = Wishes(everybody=True)


class Recorded(NamedTuple):
    path: str
    body: Any
    headers: dict[str, str]


@pytest.fixture(scope="module")
def answers(fixtures: FindFile) -> list[Recorded]:
    """All answers of status 200, without ids in their paths."""
    found = []
    with tarfile.open(fixtures("mastodon/mastodon-py-cassettes.tar.xz")) as archive:
        cassettes = (archive.extractfile(member) for member in archive if member.name.endswith(".yaml"))
        for text in (cassette.read() for cassette in cassettes if cassette):
            for pair in yaml.load(text, yaml.CSafeLoader)["interactions"]:
                if pair["response"]["status"]["code"] == 200 and "access_token" not in str(pair["response"]["body"]):
                    path = re.sub(r"https?://[^/]+|\?.*", "", pair["request"]["uri"])
                    headers = {name.lower(): value[0] for name, value in pair["response"]["headers"].items()}
                    try:
                        body = json.loads(pair["response"]["body"]["string"])
                    except ValueError:
                        continue
                    found.append(Recorded(re.sub(r"\d{3,}", "ID", path), body, headers))
    return found


def statuses(value: Any) -> Iterator[dict[str, Any]]:
    """All statuses inside a value, those inside others too."""
    if isinstance(value, dict) and {"visibility", "uri", "account", "replies_count"} <= value.keys():
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from statuses(inner)


def test_recorded_statuses_are_read(answers: list[Recorded]) -> None:
    every = {status["uri"]: status for answer in answers for status in statuses(answer.body)}
    kept = [kept for status in every.values() if (kept := kept_status(status, "localhost", EVERYBODY)) is not None]
    audiences = Counter(status["visibility"] in PUBLIC for status in every.values())
    assert audiences == {True: 256, False: 44}
    assert len(kept) == audiences[True]
    shown = Shown({account["id"]: account for answer in answers for account in accounts(answer.body)})
    People(shown, EVERYBODY).resolve(kept)
    records = [record for status in kept for record in parse(orjson.dumps(status))]
    acts = Counter(record.kind for record in records if isinstance(record, Act))
    assert acts == {"post": 217, "reply": 34, "mention": 60, "reshare": 5, "quote": 4}
    reblogs = [status for status in every.values() if status["reblog"] and status["visibility"] in PUBLIC]
    assert acts["post"] + acts["reply"] + len(reblogs) == len(kept)
    unresolved = [record.reason for record in records if isinstance(record, Unresolved)]
    assert unresolved == [f"mention: {NO_TARGET}", f"reply: {NO_TARGET}"]  # to people whom no recorded answer shows


def accounts(value: Any) -> Iterator[dict[str, Any]]:
    """All accounts inside a value."""
    if isinstance(value, dict) and {"id", "acct", "uri", "followers_count"} <= value.keys():
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from accounts(inner)


class Shown(Api):
    """Answers with the accounts that are shown in any recorded answer."""

    def __init__(self, found: dict[str, dict[str, Any]]) -> None:
        self.found = found

    def get(self, path: str, params: Any = None, etag: str | None = None) -> Answer:
        assert path == "api/v1/accounts"
        return Answer([self.found[one] for one in params["id[]"] if one in self.found], None)


def test_recorded_notifications_are_read(answers: list[Recorded]) -> None:
    every = [one for answer in answers if answer.path == "/api/v1/notifications" for one in answer.body]
    assert Counter(one["type"] for one in every) == {"mention": 46, "admin.sign_up": 3, "status": 1}
    assert {one["status"] is None for one in every if one["type"] == "mention"} == {True, False}  # some were deleted


def test_recorded_lists_of_accounts_are_read(answers: list[Recorded]) -> None:
    paths = ("/api/v1/statuses/ID/favourited_by", "/api/v1/statuses/ID/reblogged_by", "/api/v1/accounts")
    every = [(answer.path, one) for answer in answers if answer.path in paths for one in answer.body]
    assert {path for path, _ in every} == set(paths)
    for _, account in every:
        kept = kept_account(account, "localhost")
        assert kept["uri"].startswith("http")
        assert kept["acct"].count("@") == 1
        assert ("followers_count" in kept) is (account["hide_collections"] is not True)


def test_recorded_verified_fields_become_claims_and_nothing_else_does(
    answers: list[Recorded], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Profile, "follow", lambda *_: None)
    every = {account["uri"]: account for answer in answers for account in accounts(answer.body)}
    for number, account in enumerate(every.values()):
        mastodon_profiles.keep(tmp_path, Budget(1, 1), Answer(account, None), str(number))
    seen = list(profiles.kept(tmp_path))
    assert len(seen) == len(every)
    found = Counter(claim.partition(" ")[0] for one in seen for claim in one.claims or ())
    assert found == {
        "own": len(every) - 2,
        "domain": 32,
        "profile": 6,
        "rel_me": 4,
    }  # of other software: Lemmy, a bridge
    form = re.compile(r"(own|rel_me) fediverse:[\w.-]+@[\w.-]+|profile (github|bluesky):[\w.:-]+|domain [\w.-]+")
    assert all(form.fullmatch(claim) for one in seen for claim in one.claims or ())


def test_an_instance_says_who_sees_hashtags(answers: list[Recorded]) -> None:
    feeds = [
        within(answer.body, "configuration", "timelines_access", "hashtag_feeds")
        for answer in answers
        if answer.path == "/api/v2/instance/"
    ]
    assert {"local": "public", "remote": "public"} in feeds
