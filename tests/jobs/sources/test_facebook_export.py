"""A person's own download from Facebook. Made by hand after public descriptions: no real download may lie here."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.sources.facebook_export import ACTOR_NAMED, TARGET_NAMED, FacebookExportSource, parse, repaired, stripped
from jobs.sources.page import Act, Ignored, Record, Rejected, Unresolved
from jobs.sources.spec import SourceSpec
from jobs.sources.values import NO_TIME, derived_id
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.rejects import REJECTS
from tests.jobs.sources.conftest import CountPages, Survives

DAY = date(2026, 11, 3)
SECONDS = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp())
NOON = SECONDS * 1_000_000
OWNER = "https://www.facebook.com/ana.example"
NAME = "Ana Žižková انا"
WROTE = Act("post", OWNER, OWNER, NOON, derived_id(OWNER, OWNER, NOON))


def written(text: str) -> str:
    """The text as a download writes it: each byte of UTF-8 as a character."""
    return text.encode().decode("latin-1")


def comment(author: str = NAME, **more: Any) -> dict[str, Any]:
    details = {"timestamp": SECONDS, "comment": "secret", "author": written(author)}
    return {"timestamp": SECONDS, "data": [{"comment": details}], "title": "Ana commented on Bo Berg's post."} | more


POST = {"timestamp": SECONDS, "data": [{"post": "secret"}], "title": "Ana updated her status."}
REACTION = {"timestamp": SECONDS, "data": [{"reaction": {"reaction": "LIKE"}}], "title": "Ana likes Bo Berg's post."}
LABELLED = {"timestamp": SECONDS, "fbid": "7", "label_values": [{"label": "Name", "value": "Bo Berg"}]}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Two comments, two posts, and two reactions in each of the forms that they have had."""
    files = {
        "personal_information/profile_information/profile_information.json": {
            "profile_v2": {"name": {"full_name": written(NAME)}, "username": "ana.example", "profile_uri": OWNER}
        },
        "your_facebook_activity/comments_and_reactions/comments.json": {
            "comments_v2": [comment(timestamp=SECONDS + 1), comment("Bo Berg")]
        },
        "your_facebook_activity/comments_and_reactions/likes_and_reactions_1.json": [REACTION],
        "your_facebook_activity/comments_and_reactions/likes_and_reactions.json": [LABELLED],
        "your_facebook_activity/comments_and_reactions/posts_and_comments.json": {"reactions_v2": [REACTION]},
        "your_facebook_activity/posts/your_posts__check_ins__photos_and_videos_1.json": [
            POST,
            POST | {"timestamp": SECONDS + 2},
        ],
        "your_facebook_activity/groups/your_comments_in_groups.json": {"group_comments_v2": [comment()]},
        "your_facebook_activity/messages/inbox/bo_1/message_1.json": {"messages": [{"content": "secret"}]},
    }
    for name, value in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(value, indent=2))
    return tmp_path


def becomes(entry: Any, kind: str) -> Sequence[Record]:
    return parse(OWNER, json.dumps(stripped(entry, kind, NAME)).encode())


@pytest.mark.parametrize(
    ("kind", "entry", "records"),
    [
        ("post", POST, (WROTE,)),
        ("post", {"timestamp": SECONDS, "attachments": [{"data": [{"media": {"uri": "a.jpg"}}]}]}, (WROTE,)),
        ("post", {"timestamp": SECONDS, "title": "Ana saved a seller."}, (Ignored(NOON),)),
        ("post", POST | {"privacy": "Public"}, (WROTE,)),
        ("post", POST | {"privacy": "Only me"}, (Ignored(NOON),)),
        ("post", POST | {"timestamp": None}, (Unresolved(NO_TIME, None),)),
        ("comment", comment(), (Unresolved(TARGET_NAMED, NOON), WROTE)),
        ("comment", comment("Bo Berg"), (Unresolved(ACTOR_NAMED, NOON),)),
        ("comment", comment(data=[]), (Unresolved(ACTOR_NAMED, NOON),)),
        ("reaction", REACTION, (Unresolved(TARGET_NAMED, NOON),)),
        ("reaction", LABELLED, (Unresolved(TARGET_NAMED, NOON),)),
    ],
)
def test_what_an_entry_becomes(kind: str, entry: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert becomes(entry, kind) == records


@pytest.mark.parametrize("text", [NAME, "Bo", "日本語 😀", "Žižková"])
def test_a_text_written_byte_by_byte_is_repaired(text: str) -> None:
    assert repaired(written(text)) == text


@pytest.mark.parametrize("text", ["Žižková", "é", 7, None])
def test_another_value_stays_unchanged(text: str | int | None) -> None:
    assert repaired(text) == text


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (stripped(7, "post", NAME), "entry is neither a post, a comment nor a reaction"),
        (stripped(POST | {"timestamp": "soon"}, "post", NAME), "time is not a number of seconds"),
        (stripped(POST | {"timestamp": 10**12}, "post", NAME), "time is out of range"),
    ],
)
def test_what_is_rejected(line: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected) as raised:
        parse(OWNER, json.dumps(line).encode())
    assert raised.value.reason == reason


@pytest.mark.parametrize(("kind", "entry"), [("post", POST), ("comment", comment()), ("reaction", REACTION)])
def test_hostile_entries_are_rejected_and_nothing_breaks(survives: Survives, kind: str, entry: dict[str, Any]) -> None:
    def whole(line: bytes) -> Sequence[Record]:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise Rejected("line is not JSON") from None
        return becomes(value, kind)

    survives(whole, [json.dumps(entry).encode()])
    survives(partial(parse, OWNER), [json.dumps(stripped(entry, kind, NAME)).encode()])


def test_a_download_or_a_file_of_it_is_read(export: Path, count_pages: CountPages) -> None:
    source = FacebookExportSource("me", [str(export)])
    totals = count_pages(source.pages(DAY, DAY))
    assert totals.kinds == {"post": 3}
    assert totals.faults == {("unresolved", TARGET_NAMED): 4, ("unresolved", ACTOR_NAMED): 1}
    assert (totals.lines, totals.notes) == (7, [])
    rows = [row for page in source.pages(DAY, DAY) for row in page.accounts.to_pylist()]
    assert {(row["account_id"], row["handle"], row["display_name"]) for row in rows} == {(OWNER, "ana.example", NAME)}
    one = export / "your_facebook_activity" / "comments_and_reactions" / "comments.json"
    totals = count_pages(FacebookExportSource("me", [str(one)]).pages(DAY, DAY))
    assert (totals.kinds, totals.lines) == ({"post": 1}, 2)


def test_neither_texts_nor_other_people_s_names_reach_the_warehouse(export: Path, warehouse: Warehouse) -> None:
    spec = SourceSpec("me", "facebook-export", (str(export),), None)
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("t"))
    acts, rejects = warehouse.read(ACTIVITY).to_pylist(), warehouse.read(REJECTS).to_pylist()
    assert [(act["platform"], act["kind"], act["actor_id"]) for act in acts] == [("facebook", "post", OWNER)] * 3
    assert len(rejects) == 5
    assert not any(word in str(acts + rejects) for word in ("secret", "Bo"))


def test_a_file_that_breaks_off_says_so(export: Path, count_pages: CountPages) -> None:
    path = export / "your_facebook_activity" / "comments_and_reactions" / "comments.json"
    path.write_text(path.read_text()[:-40])
    totals = count_pages(FacebookExportSource("me", [str(path)]).pages(DAY, DAY))
    assert totals.kinds == {"post": 1}
    assert [note.reason for note in totals.notes] == ["comments.json breaks off at line 2"]


def test_what_is_no_download_is_refused(export: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(UsageError, match="expected an unpacked download"):
        FacebookExportSource("me", [str(empty)])
    (export / "personal_information" / "profile_information" / "profile_information.json").write_text("{}")
    with pytest.raises(UsageError, match="expected the profile of the download's person"):
        FacebookExportSource("me", [str(export)])
