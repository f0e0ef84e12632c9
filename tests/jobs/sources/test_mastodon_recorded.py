"""Answers of real instances (Mastodon 4.6, August 2026), recorded by the tests of Mastodon.py."""

import json
import re
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
import yaml

from jobs.sources.http import _until
from jobs.sources.mastodon_entities import KINDS, OF_STATUS, Wishes, kept_account, kept_notification, kept_status, parse
from jobs.sources.mastodon_people import People
from jobs.sources.page import Account, Act, Rejected, Unresolved
from jobs.sources.values import within

EVERYBODY = Wishes(everybody=True)


class Recorded(NamedTuple):
    path: str
    body: Any
    headers: dict[str, str]


@pytest.fixture(scope="module")
def answers(fixtures: Callable[[str], Path]) -> list[Recorded]:
    """All answers of status 200, without ids in their paths."""
    found = []
    with tarfile.open(fixtures("mastodon/mastodon-py-cassettes.tar.xz")) as archive:
        cassettes = (archive.extractfile(member) for member in archive if member.name.endswith(".yaml"))
        for text in (cassette.read() for cassette in cassettes if cassette):
            for pair in yaml.load(text, yaml.CSafeLoader)["interactions"]:
                if pair["response"]["status"]["code"] == 200:
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


def test_recorded_statuses_are_read(answers):
    every = {status["uri"]: status for answer in answers for status in statuses(answer.body)}
    kept = [kept for status in every.values() if (kept := kept_status(status, "localhost", EVERYBODY)) is not None]
    hidden = [status for status in every.values() if status["visibility"] not in ("public", "unlisted")]
    assert hidden
    people = People(None, EVERYBODY)  # type: ignore[arg-type]
    for answer in answers:
        for status in statuses(answer.body):
            people.see(status)
    people.resolve([status for status in kept if all(known(people, status))])
    records = [record for status in kept for record in parse(orjson.dumps(status))]
    assert Counter(type(record).__name__ for record in records)["Account"] == len(kept)
    print(len(every), len(hidden), len(kept), Counter(getattr(record, "kind", type(record)) for record in records))
    assert not [record for record in records if isinstance(record, Unresolved)]


def known(people: People, status: dict[str, Any]) -> Iterator[bool]:
    for one in (status.get("in_reply_to_account_id"), *(mention["id"] for mention in status.get("mentions", ()))):
        yield one is None or one in people._uris


def test_recorded_notifications_are_read(answers):
    every = [one for answer in answers if answer.path == "/api/v1/notifications" for one in answer.body]
    kinds = Counter(one["type"] for one in every)
    print(kinds)
    for one in every:
        if one["type"] in OF_STATUS:
            assert one["status"]["uri"]
        elif one["type"] in KINDS:
            records = parse(orjson.dumps(kept_notification(one, "https://me.example", "localhost")))
            assert [record.kind for record in records if isinstance(record, Act)] == [KINDS[one["type"]]]


def test_recorded_lists_of_accounts_are_read(answers):
    paths = ("/api/v1/statuses/ID/favourited_by", "/api/v1/statuses/ID/reblogged_by", "/api/v1/accounts")
    every = [(answer.path, one) for answer in answers if answer.path in paths for one in answer.body]
    print(Counter(path for path, _ in every))
    assert {path for path, _ in every} == set(paths)
    for _, account in every:
        kept = kept_account(account, "localhost")
        assert kept["uri"].startswith("http")
        assert kept["acct"].count("@") == 1
        assert ("followers_count" in kept) is (account["hide_collections"] is not True)


def test_every_recorded_limit_resets_within_the_time_that_a_pull_waits(answers):
    resets = [answer.headers for answer in answers if {"x-ratelimit-reset", "date"} <= answer.headers.keys()]
    assert resets
    assert {headers["x-ratelimit-limit"] for headers in resets} >= {"300"}


def test_an_instance_says_who_sees_hashtags(answers):
    feeds = [
        within(answer.body, "configuration", "timelines_access", "hashtag_feeds")
        for answer in answers
        if answer.path == "/api/v2/instance/"
    ]
    assert {"local": "public", "remote": "public"} in feeds
