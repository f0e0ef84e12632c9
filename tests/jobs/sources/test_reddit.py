"""Reddit's comments and submissions, and whom they are to."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from jobs.sources.outcomes import UNKNOWN_AUTHOR
from jobs.sources.page import Account, Act, Author, Ignored, Record, Rejected, Unresolved
from jobs.sources.reddit import TARGET_WITHDRAWN, RedditSource, parse
from jobs.sources.spool import spool
from jobs.sources.values import ACTOR_WITHDRAWN, NO_TARGET, NO_TIME
from tests.fixture_types import FindFile
from tests.jobs.sources.conftest import CountPages, Survives

SECONDS = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp())
NOON = SECONDS * 1_000_000
COMMENT = {"id": "c1", "author": "Ana", "parent_id": "t3_s1", "link_id": "t3_s1", "created_utc": SECONDS, "body": ""}
SUBMISSION = {"id": "s1", "author": "bo", "title": "", "created_utc": SECONDS}
CROSSPOST = SUBMISSION | {
    "crosspost_parent": "t3_s0",
    "crosspost_parent_list": [{"id": "s0", "author": "cleo"}],
}


def parsed(item: dict, **more: Any) -> Sequence[Record]:
    return parse(orjson.dumps(item | more))


def act(item: dict, **more: Any) -> Act:
    """The item's act, the first of its records."""
    found, *_ = parsed(item, **more)
    assert isinstance(found, Act)
    return found


def test_a_comment_replies_to_its_parent_s_author_who_is_looked_up() -> None:
    assert parsed(COMMENT, parent_id="t1_c0") == (
        Act("reply", "Ana", None, NOON, "t1_c1", "t1_c0"),
        Author("t1_c1", "Ana"),
    )
    assert parsed(COMMENT, parent_id=None)[0] == Act("reply", "Ana", None, NOON, "t1_c1", "t3_s1")  # at the top
    assert parsed(COMMENT, created_utc=str(SECONDS))[0] == Act(
        "reply", "Ana", None, NOON, "t1_c1", "t3_s1"
    )  # old dumps


def test_a_submission_is_a_post() -> None:
    assert parsed(SUBMISSION) == (Act("post", "bo", "bo", NOON, "t3_s1"), Author("t3_s1", "bo"))


def test_a_crosspost_also_reshares_the_original() -> None:
    post = (Act("post", "bo", "bo", NOON, "t3_s1"), Author("t3_s1", "bo"))
    assert parsed(CROSSPOST) == (Act("reshare", "bo", "cleo", NOON, "t3_s1", "t3_s0"), *post)
    unknown: list[Any] | None
    for unknown in (None, []):  # the original's author is looked up
        assert parsed(CROSSPOST, crosspost_parent_list=unknown) == (
            Act("reshare", "bo", None, NOON, "t3_s1", "t3_s0"),
            *post,
        )
    withdrawn = [{"author": "[deleted]"}]
    assert parsed(CROSSPOST, crosspost_parent_list=withdrawn) == (Unresolved(TARGET_WITHDRAWN, NOON), *post)


def test_a_parent_that_a_dump_gives_as_a_number() -> None:
    number = int("j00001x", 36)
    for parent in (number, float(number)):
        assert act(COMMENT, parent_id=parent).object_id == "t1_j00001x"
        assert act(COMMENT, parent_id=None, link_id=parent).object_id == "t3_j00001x"


def test_ids_are_digits_in_base_36_whatever_their_case() -> None:
    assert act(COMMENT, parent_id="t3_S1").object_id == act(SUBMISSION, id="S1").activity_id == "t3_s1"


@pytest.mark.parametrize("time", [SECONDS, str(SECONDS), f"{SECONDS}.0", "2026-11-03T12:00:00Z", "2026-11-03 12:00:00"])
def test_every_way_in_which_dumps_write_a_time(time: int | str) -> None:
    assert act(COMMENT, created_utc=time).occurred_at == NOON


def test_an_answer_of_the_api_says_the_same() -> None:
    for kind, item in (("t1", COMMENT), ("t3", SUBMISSION)):
        assert parsed({"kind": kind, "data": item}) == parsed(item)


def test_reddit_s_own_bot_is_one_and_moderators_are_people() -> None:
    bot = parsed(COMMENT, author="AutoModerator", distinguished="moderator")
    assert bot[-1] == Account("AutoModerator", NOON, handle="AutoModerator", is_bot=True)
    assert Account not in map(type, parsed(COMMENT, distinguished="moderator"))


def test_what_is_said_in_private_never_counts() -> None:
    assert parsed(COMMENT, subreddit_type="private") == (Ignored(NOON),)
    assert len(parsed(COMMENT, subreddit_type="public")) == 2


@pytest.mark.parametrize("item", [COMMENT, SUBMISSION])
@pytest.mark.parametrize("author", ["[deleted]", "[removed]", None])
def test_who_left_is_nobody_s_actor_or_target(item: dict[str, Any], author: str | None) -> None:
    assert parsed(item, author=author) == (Unresolved(ACTOR_WITHDRAWN, NOON),)


def test_what_lacks_a_parent_or_a_time_is_unresolved() -> None:
    assert parsed(COMMENT, parent_id=None, link_id=None) == (
        Unresolved(NO_TARGET, NOON),
        Act("post", "Ana", "Ana", NOON, "t1_c1"),  # still something they wrote
        Author("t1_c1", "Ana"),
    )
    assert parsed(COMMENT, created_utc=None) == (Unresolved(NO_TIME, None), Author("t1_c1", "Ana"))
    assert parsed(SUBMISSION, created_utc=None) == (Unresolved(NO_TIME, None), Author("t3_s1", "bo"))


@pytest.mark.parametrize(
    ("item", "reason", "occurred_at"),
    [
        ({"created_utc": SECONDS}, "line is neither a comment nor a submission", NOON),
        (COMMENT | {"created_utc": "soon"}, "time is not a number of seconds", None),
        (COMMENT | {"created_utc": NOON}, "time is out of range", None),
        (COMMENT | {"id": None}, "comment is missing", NOON),
        (COMMENT | {"author": ["Ana"]}, "actor id is neither a string nor a number", NOON),
        ({key: COMMENT[key] for key in COMMENT if key != "author"}, "actor is missing", NOON),
        (COMMENT | {"parent_id": 7.5}, "parent id is neither a string nor a number", NOON),
        (COMMENT | {"parent_id": -7}, "id is neither t1_ nor t3_ and letters and digits", NOON),
        (SUBMISSION | {"id": "S 1"}, "id is neither t1_ nor t3_ and letters and digits", NOON),
    ],
)
def test_faults(item: dict[str, Any], reason: str, occurred_at: int | None) -> None:
    with pytest.raises(Rejected) as fault:
        parse(orjson.dumps(item))
    assert (fault.value.reason, fault.value.occurred_at) == (reason, occurred_at)


def test_no_line_breaks_the_parser(survives: Survives) -> None:
    survives(parse, [orjson.dumps(item) for item in (COMMENT, SUBMISSION, CROSSPOST)])


def test_parents_are_found_in_all_files_of_a_pull(tmp_path: Path) -> None:
    (tmp_path / "RC.jsonl").write_bytes(
        b"\n".join(
            orjson.dumps(COMMENT | change)
            for change in (
                {},
                {"id": "c2", "author": "cleo", "parent_id": "t1_c1"},
                {"id": "c3", "author": "[deleted]", "parent_id": "t1_c1"},
                {"id": "c4", "author": "dan", "parent_id": "t1_c3"},  # to one who left
            )
        )
    )
    yesterday = SUBMISSION | {"created_utc": SECONDS - 86_400}  # of a day that is not asked for
    (tmp_path / "RS.jsonl").write_bytes(orjson.dumps(yesterday))
    day = date(2026, 11, 3)
    with spool("reddit", day, day) as spooled:
        for page in RedditSource("reddit", [str(tmp_path)]).pages(day, day):
            spooled.add(page)
        spooled.resolve()
        acts = (
            spooled.activity("reddit", day, "pull").read_all().select(["activity_id", "kind", "actor_id", "target_id"])
        )
        rejects = spooled.rejects("reddit", day, "pull").read_all().select(["line", "outcome", "reason"])
    assert [tuple(row.values()) for row in acts.to_pylist()] == [
        ("t1_c1", "reply", "Ana", "bo"),
        ("t1_c2", "reply", "cleo", "Ana"),
        ("t1_c4", "post", "dan", "dan"),
    ]
    assert [tuple(row.values()) for row in rejects.to_pylist()] == [
        (3, "unresolved", ACTOR_WITHDRAWN),
        (4, "unresolved", UNKNOWN_AUTHOR),
    ]


def test_reddit_s_first_month(data: FindFile, count_pages: CountPages) -> None:
    source = RedditSource("reddit", [str(data("reddit/RC_2005-12.zst"))])
    first, last = date(2005, 12, 12), date(2005, 12, 31)
    assert count_pages(source.pages(first, last)) == (
        {"reply": 890},
        {("unresolved", ACTOR_WITHDRAWN): 185},
        1_075,
        0,
        [],
    )
    with spool("reddit", first, last) as spooled:
        for page in source.pages(first, last):
            spooled.add(page)
        spooled.resolve()
        kinds = [
            kind
            for day in spooled.days
            for kind in spooled.activity("reddit", day, "pull").read_all()["kind"].to_pylist()
        ]
    # 314 parents are in the file: 220 of known authors by known authors, 43 of authors who left, 51 by such.
    assert (kinds.count("reply"), kinds.count("post"), len(kinds)) == (220, 670, 890)
