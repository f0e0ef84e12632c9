"""Bad input never passes and is never lost: it is an act, or is reported with its reason."""

import gzip
import json
import os
from datetime import UTC, datetime

import pytest

from jobs.errors import UsageError
from jobs.pull_activity import Pulled, PullError, TooManyRejectsError
from jobs.sources.values import derived_id
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from tests.jobs.pulls import DAY, NEXT, NEXT_NOON, NOON, NOON_TEXT, Pulls, good, like

# Every line is an act, or is reported with its reason


def test_each_line_of_a_text_is_an_act_or_a_reject_with_its_reason(pull: Pulls) -> None:
    path = pull.file(
        "day.txt",
        f"1 2 {NOON} RT",
        f"1 2 {NOON} MT",  # another kind of the same second: another report
        f"1 2 {NOON} RT",  # the whole grain once more
        "1 2 3",
        f"1 2 {NOON} XX",
        f"ana 2 {NOON} RT",
        "1 2 noon RT",  # no readable time: belongs to the day asked
        "1 2 99999999999 RT",  # the year 5138
        "1 2 -5 RT",
        f"1 2 {NOON} \xe4".encode("latin-1"),
        "",  # an empty line is none
        f"3 2 {NOON} RE",
    )
    (pulled,) = pull(f"higgs={path}", max_reject_share=1)
    noon = datetime(2012, 7, 4, 12, tzinfo=UTC)
    assert pull.table(ACTIVITY) == sorted(
        ("twitter", DAY, "higgs", derived_id(actor, "2", NOON * 1_000_000), kind, actor, "2", None, noon, None)
        for actor, kind in (("1", "reshare"), ("1", "mention"), ("3", "reply"))
    )
    assert pull.outcomes() == [
        ("day.txt", 4, "rejected", "expected four fields: actor target unix_seconds kind"),
        ("day.txt", 5, "rejected", "kind is none of RT, MT, RE"),
        ("day.txt", 6, "rejected", "actor or target is not a number"),
        ("day.txt", 7, "rejected", "time is not a number of seconds"),
        ("day.txt", 8, "rejected", "time is out of range"),
        ("day.txt", 9, "rejected", "time is out of range"),
        ("day.txt", 10, "rejected", "line is not UTF-8"),
    ]
    assert pull.coverage() == [(DAY, "higgs", "complete", None, 3, 7, 0, 0)]
    assert pull.table(COVERAGE, "repeated_count") == [(1,)]
    assert pulled == Pulled(DAY, "higgs", 3, 7, 0, 0, None, repeated_count=1)


def test_each_activity_is_an_act_or_is_rejected_or_unresolved_or_ignored(pull: Pulls) -> None:
    path = pull.file(
        "day.jsonl",
        like("ana"),
        like(7),  # a number is an id
        like(None),
        like(True),
        like(1.5),
        like(["cy", {"no": "id"}]),
        like("ana", published="2012-02-30T12:00:00Z"),  # impossible
        like("ana", published="1066-10-14T12:00:00Z"),  # before there was anything
        like("ana", published=None),
        like("ana", object=None),
        like("ana", id="like-unknown", object="nobody-knows"),
        like({"type": "Tombstone", "id": "gone"}),
        like("ana", type="Sing"),
        like("ana", type="Update"),
        '{"type": "Like", "actor"',  # cut off
        "[]",
    )
    pull(f"mastodon:activitystreams={path}", max_reject_share=1)
    acts = ("platform", "source", "activity_id", "kind", "actor_id", "target_id", "object_id")
    assert pull.table(ACTIVITY, *acts) == [
        ("mastodon", "mastodon", "like-7", "like", "7", "bo", "note"),
        ("mastodon", "mastodon", "like-ana", "like", "ana", "bo", "note"),
    ]
    assert pull.outcomes() == [
        ("day.jsonl", 3, "rejected", "actor is missing"),
        ("day.jsonl", 4, "rejected", "actor id is neither a string nor a number"),
        ("day.jsonl", 5, "rejected", "actor id is neither a string nor a number"),
        ("day.jsonl", 6, "rejected", "actor is missing"),
        ("day.jsonl", 7, "rejected", "time is not an RFC 3339 time"),
        ("day.jsonl", 8, "rejected", "time is out of range"),
        ("day.jsonl", 9, "unresolved", "time is missing"),
        ("day.jsonl", 10, "unresolved", "does not say whom it was about"),
        ("day.jsonl", 11, "unresolved", "author of what was acted on is not known"),
        ("day.jsonl", 12, "unresolved", "actor was withdrawn by the platform"),
        ("day.jsonl", 15, "rejected", "line is not JSON"),
        ("day.jsonl", 16, "rejected", "line is not a JSON object"),
    ]
    assert pull.coverage() == [(DAY, "mastodon", "complete", "ignored, of unknown types: Sing (1)", 2, 8, 4, 2)]
    assert pull.table(REJECTS, "platform", "day", "source")[0] == ("mastodon", DAY, "mastodon")
    assert pull.table(REJECTS, "excerpt")[9] == (json.dumps(like({"type": "Tombstone", "id": "gone"})),)


def test_a_parent_is_found_in_any_file_of_the_pull_and_else_the_reply_is_a_post(pull: Pulls) -> None:
    comments = pull.file(
        "comments.jsonl",  # read before the file that says who wrote what they answer
        {"id": "c1", "author": "ana", "parent_id": "t3_s1", "created_utc": NOON},
        {"id": "c2", "author": "bo", "parent_id": "t1_c1", "created_utc": NOON + 1},
        {"id": "c3", "author": "ana", "parent_id": "t3_elsewhere", "created_utc": NOON + 2},
    )
    submissions = pull.file(
        "submissions.jsonl",
        {"id": "s1", "author": "cy", "title": "...", "created_utc": NOON - 86_400},  # of the day before
    )
    pull(f"reddit={comments}", f"reddit={submissions}")
    assert pull.table(ACTIVITY, "activity_id", "kind", "actor_id", "target_id", "object_id") == [
        ("t1_c1", "reply", "ana", "cy", "t3_s1"),
        ("t1_c2", "reply", "bo", "ana", "t1_c1"),
        ("t1_c3", "post", "ana", "ana", None),  # content of a known actor
    ]
    assert pull.outcomes() == [("comments.jsonl", 3, "unresolved", "author of what was acted on is not known")]
    assert pull.coverage() == [(DAY, "reddit", "complete", None, 3, 0, 1, 0)]


def test_what_was_taken_back_on_the_same_day_counts_for_nothing(pull: Pulls) -> None:
    path = pull.file(
        "day.jsonl",
        like("ana"),
        like("bo", object={"id": "other", "attributedTo": "ana"}),
        {"type": "Undo", "actor": "ana", "published": NOON_TEXT, "object": "like-ana"},
        {"type": "Undo", "actor": "ana", "published": NOON_TEXT, "object": "like-bo"},  # not ana's to take back
        {"type": "Undo", "actor": "bo", "published": "2012-07-05T00:00:00Z", "object": "like-bo"},  # the day after
    )
    pull(f"mastodon:activitystreams={path}")
    assert pull.table(ACTIVITY, "activity_id", "actor_id") == [("like-bo", "bo")]
    assert pull.coverage() == [(DAY, "mastodon", "complete", None, 1, 0, 0, 3)]  # the like and two Undos of the day


def test_an_archive_that_breaks_off_is_partial_and_keeps_what_came_before(pull: Pulls) -> None:
    # Random actors, so that the packed bytes are many and the last act is far behind the break.
    text = b"".join(b"%d 2 %d RT\n" % (int.from_bytes(os.urandom(4), "big"), NOON) for _ in range(10_000))
    path = pull.file("day.txt.gz")
    path.write_bytes(gzip.compress(text)[:-20_000])
    pull(f"higgs={path}")
    ((file, line, outcome, reason),) = pull.outcomes()
    assert (file, outcome, reason) == ("day.txt.gz", "rejected", "archive is truncated or damaged from here on")
    assert pull.coverage() == [(DAY, "higgs", "partial", f"day.txt.gz breaks off at line {line}", line - 1, 1, 0, 0)]
    assert 1000 < line - 1 < 10_000


def test_a_line_of_100_mb_is_one_reject_between_its_neighbours(pull: Pulls) -> None:
    path = pull.file("day.txt.gz")
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(f"1 2 {NOON} RT\n".encode())
        for _ in range(100):
            packed.write(b"9" * 1_000_000)
        packed.write(f"\n3 2 {NOON} RT\n".encode())
    pull(f"higgs={path}", max_reject_share=0.4)
    assert set(pull.table(ACTIVITY, "actor_id")) == {("1",), ("3",)}
    assert pull.table(REJECTS, "line", "reason", "excerpt") == [(2, "line is longer than 16 MiB", "9" * 199 + "…")]


def test_a_text_in_another_encoding_fails_whole(pull: Pulls) -> None:
    path = pull.file("day.txt")
    path.write_text("".join(f"{actor} 2 {NOON} RT\n" for actor in range(40)), encoding="utf-16")
    with pytest.raises(TooManyRejectsError, match="41 of 41 lines rejected, expected at most 5%"):
        pull(f"higgs={path}")
    assert pull.table(ACTIVITY) == []


def test_an_empty_file_is_complete_with_a_warning_and_so_is_a_day_without_a_line(pull: Pulls) -> None:
    empty, other = pull.file("empty.txt"), pull.file("other.txt", f"1 2 {NEXT_NOON} RT")
    pulled = pull(f"empty:higgs={empty}") + pull(f"other:higgs={other}")
    assert pull.coverage() == [
        (DAY, "empty", "complete", "empty.txt is empty", 0, 0, 0, 0),
        (DAY, "other", "complete", "the source has no line of this day", 0, 0, 0, 0),
    ]
    assert [day.note for day in pulled] == ["empty.txt is empty", "the source has no line of this day"]
    assert pull.table(ACTIVITY) == pull.table(REJECTS) == []


def test_a_missing_file_is_an_error_before_anything_is_written(pull: Pulls) -> None:
    there = pull.file("there.txt", f"1 2 {NOON} RT")
    with pytest.raises(UsageError, match=r"gone\.txt: no such file"):
        pull(f"higgs={there}", f"higgs={pull.folder / 'gone.txt'}")
    assert pull.states() == pull.table(REJECTS) == pull.table(COVERAGE) == []


# Too much that is bad


def test_more_rejects_than_the_share_fail_the_pull_and_leave_the_day_as_it_was(pull: Pulls) -> None:
    path = pull.file("day.txt", *good(19), "bad")
    pull(f"higgs={path}")  # 1 of 20 is 5 %, which passes
    counting = pull.counting()
    pull.file(
        "day.txt", *good(30), *["bad"] * 4, *[f"1 2 {NOON} XX"] * 3, *["1 2 noon RT"] * 3, *[f"ana 2 {NOON} RT"] * 2
    )
    with pytest.raises(TooManyRejectsError) as failed:
        pull(f"higgs={path}")
    assert str(failed.value) == (
        "higgs 2012-07-04..2012-07-04: 12 of 42 lines rejected, expected at most 5%; commonest: expected four fields: actor"
        " target unix_seconds kind (4), kind is none of RT, MT, RE (3), time is not a number of seconds (3). Rows pulled"
        " earlier are kept; see table `rejects`, fix the input and pull again"
    )
    assert pull.counting() == counting
    assert len(pull.outcomes()) == 12  # of the failed pull, not of the one before
    assert pull.states() == [(DAY, "done", None), (DAY, "failed", str(failed.value))]


def test_what_is_unresolved_or_ignored_does_not_count_towards_the_share(pull: Pulls) -> None:
    path = pull.file("day.jsonl", like("ana", object="unknown"), like("bo", type="Update"), like("ana", published=None))
    pull(f"mastodon:activitystreams={path}", max_reject_share=0)
    assert pull.coverage() == [(DAY, "mastodon", "complete", None, 0, 0, 2, 1)]


def test_lines_without_a_day_count_against_all_that_was_read_and_not_against_the_day_they_are_put_on(
    pull: Pulls,
) -> None:
    path = pull.file("week.txt", *good(5), *good(95, NEXT_NOON), *["bad"] * 4)
    pull(f"higgs={path}")  # 4 of 104 lines read, though 4 of 9 that are put on this day
    assert pull.coverage() == [(DAY, "higgs", "complete", None, 5, 4, 0, 0)]


def test_one_bad_day_of_a_range_fails_alone(pull: Pulls) -> None:
    path = pull.file("week.txt", *good(100), *good(9, NEXT_NOON), f"1 2 {NEXT_NOON} XX")
    with pytest.raises(PullError) as failed:
        pull(f"higgs={path}", last_day=NEXT)
    assert str(failed.value).startswith(
        "higgs 2012-07-05: 1 of 10 lines rejected, expected at most 5%; commonest: kind is"
    )
    assert pull.coverage() == [(DAY, "higgs", "complete", None, 100, 0, 0, 0)]
    assert {day for (day,) in pull.table(ACTIVITY, "day")} == {DAY}
    assert pull.outcomes() == [("week.txt", 110, "rejected", "kind is none of RT, MT, RE")]
    assert pull.states() == [(DAY, "done", None), (NEXT, "failed", str(failed.value))]
