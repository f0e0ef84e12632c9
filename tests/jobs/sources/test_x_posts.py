"""Posts of X as recorded answers, and whom they are to."""

import io
import tarfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from jobs.sources import x_posts
from jobs.sources.page import Account, Act, Author, Ignored, Record, Rejected, Unresolved
from jobs.sources.values import NO_TIME
from jobs.sources.x_posts import XPostsSource, flattened, parse
from tests.fixture_types import FindFile
from tests.jobs.sources.archives import content
from tests.jobs.sources.conftest import CountPages, Survives

NOON = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * 1_000_000
DAY = date(2021, 6, 26)
POST = {"id": "7", "author_id": "1", "created_at": "2026-11-03T12:00:00.000Z"}
WROTE = Author("7", "1")


def parsed(**more: Any) -> Sequence[Record]:
    return parse(orjson.dumps(POST | more))


def about(kind: str, name: str = "5", author: str | None = "2") -> dict[str, Any]:
    return {"referenced_tweets": [{"type": kind, "id": name, "author_id": author}]}


def naming(*ids: Any) -> dict[str, Any]:
    return {"entities": {"mentions": [{"id": each} for each in ids]}}


@pytest.mark.parametrize(
    ("more", "records"),
    [
        ({}, (Act("post", "1", "1", NOON, "7"), WROTE)),
        (about("retweeted") | naming("2", "3"), (Act("reshare", "1", "2", NOON, "7", "5"), Author("5", "2"), WROTE)),
        (about("retweeted", author=None), (Act("reshare", "1", None, NOON, "7", "5"), WROTE)),
        (
            about("quoted"),
            (Author("5", "2"), Act("quote", "1", "2", NOON, "7", "5"), Act("post", "1", "1", NOON, "7"), WROTE),
        ),
        (
            about("replied_to") | {"in_reply_to_user_id": "2"} | naming("2", "3", "3"),
            (
                Author("5", "2"),
                Act("reply", "1", "2", NOON, "7", "5"),
                Act("mention", "1", "3", NOON, "7"),
                WROTE,
            ),
        ),
        ({"in_reply_to_user_id": "2"}, (Act("reply", "1", "2", NOON, "7"), WROTE)),
        (about("replied_to", author=None), (Act("reply", "1", None, NOON, "7", "5"), WROTE)),
        (
            naming(None),
            (
                Act("post", "1", "1", NOON, "7"),
                Unresolved("mention: actor was withdrawn by the platform", NOON),
                WROTE,
            ),
        ),
        ({"author": {"id": "1", "protected": True}}, (Ignored(NOON),)),
        ({"created_at": None}, (Unresolved(NO_TIME, None), WROTE)),
        (
            {"edit_history_tweet_ids": ["6", "7"]},  # the same act as its first version
            (Act("post", "1", "1", NOON, "6"), Author("6", "1"), WROTE),
        ),
    ],
)
def test_what_a_post_becomes(more: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert parsed(**more) == records


def test_an_author_s_profile_becomes_an_account() -> None:
    profile = {"id": "1", "username": "ana", "name": "انا", "public_metrics": {"followers_count": -1}}
    assert parsed(author=profile)[-1] == Account("1", NOON, handle="ana", display_name="انا")
    assert parse(orjson.dumps({"id": "1", "username": "ana"})) == (Ignored(None), Account("1", None, handle="ana"))


def test_numbers_of_more_than_64_bits_are_ids() -> None:
    assert parsed(id="9" * 30)[0] == Act("post", "1", "1", NOON, "9" * 30)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"id": "7", "text": "secret"}, "actor is missing"),
        ({"tweet_count": 7}, "line is neither a post nor a profile"),
        (POST | {"created_at": "soon"}, "time is not an RFC 3339 time"),
        (POST | about("liked"), "reference is none of retweeted, quoted, replied_to"),
        (POST | {"id": None}, "post is missing"),
    ],
)
def test_what_is_rejected(line: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected) as raised:
        parse(orjson.dumps(line))
    assert raised.value.reason == reason


def test_hostile_lines_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    post = POST | about("quoted") | naming("3") | {"author": {"id": "1", "username": "ana", "public_metrics": {}}}
    survives(parse, [orjson.dumps(post), orjson.dumps(post | about("retweeted")), b'{"id": "1", "username": "a"}'])

    def whole(line: bytes) -> Sequence[Record]:
        return [record for each in x_posts._read(io.BytesIO(line)) if not each.fault for record in parse(each.text)]

    page = {"data": [post, post | {"text": "x"}], "includes": {"users": [{"id": "2"}], "tweets": [{"id": "5"}]}}
    survives(whole, [orjson.dumps(page)])


def test_one_odd_post_of_a_page_does_not_lose_the_others(tmp_path: Path, count_pages: CountPages) -> None:
    page = {"data": [POST, 7, POST | {"id": {}}, POST | {"id": "8"}], "includes": {}}
    empty = {"meta": {"result_count": 0}}
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(map(orjson.dumps, (page, empty))) + b"\n{\n")
    totals = count_pages(XPostsSource("a", [str(tmp_path)]).pages(date(2026, 11, 3), date(2026, 11, 3)))
    assert totals.kinds == {"post": 2}
    assert totals.faults == {
        ("rejected", "line is neither a post nor a profile"): 1,
        ("rejected", "post id is neither a string nor a number"): 1,
        ("rejected", "line is not JSON"): 1,
    }
    assert (totals.lines, totals.ignored) == (6, 1)


def test_texts_are_dropped_before_anything_quotes_them() -> None:
    page = {"data": [POST | {"text": "secret"}], "includes": {"users": [{"id": "1", "description": "secret"}]}}
    assert b"secret" not in orjson.dumps(flattened(page))


# Recorded answers of the real API


@pytest.fixture(scope="module")
def network(fixtures: FindFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    with tarfile.open(fixtures("x/twarc-network.tar.xz")) as archive:
        (name,) = [name for name in archive.getnames() if name.endswith("tweets.jsonl")]
        (folder / "tweets.jsonl").write_bytes(content(archive, name))
    return folder / "tweets.jsonl"


def test_the_acts_of_500_posts_are_the_graph_of_twarc_network_without_repeated_mentions(network: Path) -> None:
    """twarc-network's own test gives these posts 656 accounts and 618 links, as it also links a sharer to everybody whom the
    shared post mentions. clout does not: an act counts once, for who did it, and this mention is an act of the original's
    author. Only the account behind `RT` is a target of the sharer, as that of the reshare."""
    source = XPostsSource("x", [str(network)])
    acts = [act for page in source.pages(DAY, DAY) for act in page.acts.to_pylist()]
    links = {(act["actor_id"], act["target_id"]) for act in acts if act["kind"] != "post" and act["target_id"]}
    repeated = {
        (post["author_id"], mention["id"])
        for line in network.read_bytes().splitlines()
        for post in orjson.loads(line)["data"]
        if any(each["type"] == "retweeted" for each in post.get("referenced_tweets", []))
        for mention in post.get("entities", {}).get("mentions", [])
        if mention["start"] != len("RT ")
    }
    graph = links | repeated
    assert {"clout": len(links), "twarc-network": len(graph)} == {"clout": 512, "twarc-network": 618}
    assert len({account for link in graph for account in link}) == 656


def test_recorded_pages_and_flattened_posts_are_read(
    fixtures: FindFile, tmp_path: Path, count_pages: CountPages
) -> None:
    totals = {}
    with tarfile.open(fixtures("x/twarc-csv.tar.xz")) as archive:
        for member in archive:
            if member.name.endswith(
                ("/flat.jsonl", "/noflat.jsonl", "/edited.jsonl", "/withheld.jsonl", "/users.jsonl")
            ):
                path = tmp_path / member.name.rpartition("/")[2]
                path.write_bytes(content(archive, member))
                source = XPostsSource("x", [str(path)])
                totals[path.stem] = count_pages(source.pages(date(2021, 4, 8), date(2021, 4, 8)))
    assert totals["flat"].kinds == totals["noflat"].kinds
    assert totals["flat"].lines == totals["noflat"].lines == 100
    assert totals["users"].ignored == totals["users"].lines == 96
    assert not [fault for each in totals.values() for fault in each.faults if fault[0] == "rejected"]
