"""What comes in: nothing bad passes, nothing is lost, and a pull replaces its own rows only."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.pull_activity import Params, Pulled, PullError, TooManyRejectsError
from jobs.runs import Batch
from jobs.sources import lines as source_lines
from jobs.sources.higgs import HiggsSource
from jobs.sources.spec import parse_specs
from jobs.sources.values import derived_id
from jobs.spool import Spool
from jobs.storage import LostRaceError, Warehouse
from schemas import arrow
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.table import Table

DAY = date(2012, 7, 4)
NEXT = DAY + timedelta(days=1)
NOON = int(datetime(2012, 7, 4, 12, tzinfo=UTC).timestamp())
NEXT_NOON = NOON + 86_400
NOON_TEXT = "2012-07-04T12:00:00Z"
ROOT = Path(__file__).parents[2]


class Pulls:
    """Pulls into one warehouse, and what its tables hold afterwards."""

    def __init__(self, warehouse: Warehouse, folder: Path) -> None:
        self.warehouse = warehouse
        self.folder = folder

    def file(self, name: str, *lines: str | bytes | dict[str, Any]) -> Path:
        texts = [json.dumps(line) if isinstance(line, dict) else line for line in lines]
        path = self.folder / name
        path.write_bytes(b"".join((text.encode() if isinstance(text, str) else text) + b"\n" for text in texts))
        return path

    def __call__(
        self, *sources: str, first_day: date = DAY, last_day: date | None = None, **options: Any
    ) -> list[Pulled]:
        (spec,) = parse_specs(sources)
        params = Params(source=spec, first_day=first_day, last_day=last_day or first_day, **options)
        return pull_activity.run(self.warehouse, params, Batch("test"))

    def table(self, table: Table, *names: str) -> list[tuple]:
        """Every row, sorted by the grain; the columns named, or all."""
        found = arrow.sorted_by_grain(table, self.warehouse.read(table)).select(names or table.column_names)
        return [tuple(row.values()) for row in found.to_pylist()]

    def outcomes(self) -> list[tuple]:
        """Rejects as (file's name, line, outcome, reason)."""
        return [(Path(f).name, *rest) for f, *rest in self.table(REJECTS, "file", "line", "outcome", "reason")]

    def coverage(self) -> list[tuple]:
        return self.table(
            COVERAGE, "day", "source", "status", "reason", "act_count", "rejected_count", "unresolved_count", "ignored_count"
        )  # fmt: skip

    def standing(self) -> dict[str, list[tuple]]:
        """What a failed pull must leave as it was."""
        return {table.name: self.table(table) for table in (ACTIVITY, ACCOUNTS, COVERAGE)}

    def states(self) -> list[tuple]:
        """Newest last: (day, status, error) of every run."""
        found = self.warehouse.read(RUNS).sort_by([("started_at", "ascending"), ("day", "ascending")])
        return [(row["day"], row["status"], row["error"]) for row in found.to_pylist()]


@pytest.fixture
def pull(warehouse: Warehouse, tmp_path: Path) -> Pulls:
    return Pulls(warehouse, tmp_path)


def like(actor: Any, **changes: Any) -> dict[str, Any]:
    """An ActivityStreams Like of bo's note; a change to `None` leaves the property out."""
    told = {
        "id": f"like-{actor}",
        "type": "Like",
        "actor": actor,
        "published": NOON_TEXT,
        "object": {"id": "note", "attributedTo": "bo"},
    }
    return {name: value for name, value in (told | changes).items() if value is not None}


# Every line is an act, or is told with its reason


def test_each_line_of_a_text_is_an_act_or_a_reject_with_its_reason(pull):
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
        ("day.txt", 3, "rejected", "repeats an act that this source already reported"),
        ("day.txt", 4, "rejected", "expected four fields: actor target unix_seconds kind"),
        ("day.txt", 5, "rejected", "kind is none of RT, MT, RE"),
        ("day.txt", 6, "rejected", "actor or target is not a number"),
        ("day.txt", 7, "rejected", "time is not a number of seconds"),
        ("day.txt", 8, "rejected", "time is out of range"),
        ("day.txt", 9, "rejected", "time is out of range"),
        ("day.txt", 10, "rejected", "line is not UTF-8"),
    ]
    assert pull.coverage() == [(DAY, "higgs", "complete", None, 3, 8, 0, 0)]
    assert pulled == Pulled(DAY, "higgs", 3, 8, 0, 0, None)


def test_each_activity_is_an_act_or_is_rejected_or_unresolved_or_ignored(pull):
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
        ("day.jsonl", 13, "rejected", "type is no activity of the vocabulary"),
        ("day.jsonl", 15, "rejected", "line is not JSON"),
        ("day.jsonl", 16, "rejected", "line is not a JSON object"),
    ]
    assert pull.coverage() == [(DAY, "mastodon", "complete", None, 2, 9, 4, 1)]
    assert pull.table(REJECTS, "platform", "day", "source")[0] == ("mastodon", DAY, "mastodon")
    assert pull.table(REJECTS, "excerpt")[9] == (json.dumps(like({"type": "Tombstone", "id": "gone"})),)


def test_a_parent_is_found_in_any_file_of_the_pull_and_else_the_reply_is_a_post(pull):
    comments = pull.file(
        "comments.jsonl",  # read before the file that tells who wrote what they answer
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


def test_what_was_taken_back_on_the_same_day_counts_for_nothing(pull):
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


def test_an_archive_that_breaks_off_is_partial_and_keeps_what_came_before(pull):
    # Random actors, so that the packed bytes are many and the last act is far behind the break.
    text = b"".join(b"%d 2 %d RT\n" % (int.from_bytes(os.urandom(4), "big"), NOON) for _ in range(10_000))
    path = pull.file("day.txt.gz")
    path.write_bytes(gzip.compress(text)[:-20_000])
    pull(f"higgs={path}")
    ((file, line, outcome, reason),) = pull.outcomes()
    assert (file, outcome, reason) == ("day.txt.gz", "rejected", "archive is truncated or damaged from here on")
    assert pull.coverage() == [(DAY, "higgs", "partial", f"day.txt.gz breaks off at line {line}", line - 1, 1, 0, 0)]
    assert 1000 < line - 1 < 10_000


def test_a_line_of_100_mb_is_one_reject_between_its_neighbours(pull):
    path = pull.file("day.txt.gz")
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(f"1 2 {NOON} RT\n".encode())
        for _ in range(100):
            packed.write(b"9" * 1_000_000)
        packed.write(f"\n3 2 {NOON} RT\n".encode())
    pull(f"higgs={path}", max_reject_share=0.4)
    assert set(pull.table(ACTIVITY, "actor_id")) == {("1",), ("3",)}
    assert pull.table(REJECTS, "line", "reason", "excerpt") == [(2, "line is longer than 16 MiB", "9" * 199 + "…")]


def test_a_text_in_another_encoding_fails_whole(pull):
    path = pull.file("day.txt")
    path.write_text("".join(f"{actor} 2 {NOON} RT\n" for actor in range(40)), encoding="utf-16")
    with pytest.raises(TooManyRejectsError, match="41 of 41 lines rejected, expected at most 5%"):
        pull(f"higgs={path}")
    assert pull.table(ACTIVITY) == []


def test_an_empty_file_is_complete_with_a_warning_and_so_is_a_day_without_a_line(pull):
    empty, other = pull.file("empty.txt"), pull.file("other.txt", f"1 2 {NEXT_NOON} RT")
    pulled = pull(f"empty:higgs={empty}") + pull(f"other:higgs={other}")
    assert pull.coverage() == [
        (DAY, "empty", "complete", "empty.txt is empty", 0, 0, 0, 0),
        (DAY, "other", "complete", "no line of this day was found", 0, 0, 0, 0),
    ]
    assert [day.note for day in pulled] == ["empty.txt is empty", "no line of this day was found"]
    assert pull.table(ACTIVITY) == pull.table(REJECTS) == []


def test_a_missing_file_is_an_error_before_anything_is_written(pull):
    there = pull.file("there.txt", f"1 2 {NOON} RT")
    with pytest.raises(UsageError, match=r"gone\.txt: no such file"):
        pull(f"higgs={there}", f"higgs={pull.folder / 'gone.txt'}")
    assert pull.states() == pull.table(REJECTS) == pull.table(COVERAGE) == []


# Too much that is bad


def good(count: int, at: int = NOON) -> list[str]:
    return [f"{actor} 2 {at} RT" for actor in range(100, 100 + count)]


def test_more_rejects_than_the_share_fail_the_pull_and_leave_the_day_as_it_was(pull):
    path = pull.file("day.txt", *good(19), "bad")
    pull(f"higgs={path}")  # 1 of 20 is 5 %, which passes
    standing = pull.standing()
    pull.file(
        "day.txt", *good(30), *["bad"] * 4, *[f"1 2 {NOON} XX"] * 3, *["1 2 noon RT"] * 3, *[f"ana 2 {NOON} RT"] * 2
    )
    with pytest.raises(TooManyRejectsError) as failed:
        pull(f"higgs={path}")
    assert str(failed.value) == (
        "higgs 2012-07-04..2012-07-04: 12 of 42 lines rejected, expected at most 5%; commonest: expected four fields: actor"
        " target unix_seconds kind (4), kind is none of RT, MT, RE (3), time is not a number of seconds (3). The rows pulled"
        " before stay; see table `rejects`, mend the input and pull again"
    )
    assert pull.standing() == standing
    assert len(pull.outcomes()) == 12  # of the failed pull, not of the one before
    assert pull.states() == [(DAY, "done", None), (DAY, "failed", str(failed.value))]


def test_what_is_unresolved_or_ignored_does_not_count_towards_the_share(pull):
    path = pull.file("day.jsonl", like("ana", object="unknown"), like("bo", type="Update"), like("ana", published=None))
    pull(f"mastodon:activitystreams={path}", max_reject_share=0)
    assert pull.coverage() == [(DAY, "mastodon", "complete", None, 0, 0, 2, 1)]


def test_lines_that_tell_no_day_count_against_all_that_was_read_and_not_against_the_day_they_are_put_on(pull):
    path = pull.file("week.txt", *good(5), *good(95, NEXT_NOON), *["bad"] * 4)
    pull(f"higgs={path}")  # 4 of 104 lines read, though 4 of 9 that are put on this day
    assert pull.coverage() == [(DAY, "higgs", "complete", None, 5, 4, 0, 0)]


def test_one_bad_day_of_a_range_fails_alone(pull):
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


# What a pull replaces


def test_pulling_a_source_again_replaces_its_own_rows_only(pull):
    first, second = pull.file("1.txt", f"1 2 {NOON} RT"), pull.file("2.txt", f"3 2 {NOON} RT", "bad")
    other = pull.file("other.txt", f"1 2 {NOON} RT", f"5 2 {NOON} RE", "bad")
    pull(f"a:higgs={first}", f"a:higgs={second}", max_reject_share=1)  # two files of one source
    pull(f"b:higgs={other}", max_reject_share=1)  # another source of the same platform and day, with one act of `a`
    pull(f"a:higgs={pull.file('next.txt', f'7 2 {NEXT_NOON} RT')}", first_day=NEXT)
    acts = ("day", "source", "kind", "actor_id")
    assert sorted(pull.table(ACTIVITY, *acts)) == [
        (DAY, "a", "reshare", "1"),
        (DAY, "a", "reshare", "3"),
        (DAY, "b", "reply", "5"),
        (DAY, "b", "reshare", "1"),
        (NEXT, "a", "reshare", "7"),
    ]
    others = {table.name: files(pull.warehouse, table, besides=(DAY, "a")) for table in (ACTIVITY, REJECTS)}
    pull(f"a:higgs={pull.file('1.txt', f'9 2 {NOON} MT')}")
    assert sorted(pull.table(ACTIVITY, *acts)) == [
        (DAY, "a", "mention", "9"),
        (DAY, "b", "reply", "5"),
        (DAY, "b", "reshare", "1"),
        (NEXT, "a", "reshare", "7"),
    ]
    assert pull.coverage() == [
        (DAY, "a", "complete", None, 1, 0, 0, 0),
        (DAY, "b", "complete", None, 2, 1, 0, 0),
        (NEXT, "a", "complete", None, 1, 0, 0, 0),
    ]
    assert [file for file, *_ in pull.outcomes()] == ["other.txt"]
    assert {table.name: files(pull.warehouse, table, besides=(DAY, "a")) for table in (ACTIVITY, REJECTS)} == others


def files(warehouse: Warehouse, table: Table, besides: tuple[date, str]) -> set[str]:
    """The table's files in the log, but those of this day and source."""
    found = pa.table(warehouse.delta(table).get_add_actions(flatten=True)).to_pylist()
    return {file["path"] for file in found if (file["partition.day"], file["partition.source"]) != besides}


def test_the_same_pages_give_the_same_rows(pull):
    path = pull.file("day.jsonl", like({"type": "Person", "id": "ana", "name": "Ana"}), like("bo"), "bad", like("ana"))
    again = [
        pull(f"mastodon:activitystreams={path}", max_reject_share=1) and (pull.standing(), pull.outcomes())
        for _ in "12"
    ]
    assert again[0] == again[1]


def test_a_range_reads_each_file_once_and_leaves_other_days_alone(pull, monkeypatch):
    opened = []
    decompressed = source_lines.decompressed
    monkeypatch.setattr(
        source_lines, "decompressed", lambda raw: opened.append(Path(raw.name).name) or decompressed(raw)
    )
    days = [NOON - 86_400, NOON, NEXT_NOON, NEXT_NOON + 86_400]  # the first and the last are not asked for
    one = pull.file("1.txt", *[f"1 2 {at} RT" for at in days], *[f"1 2 {at} XX" for at in days])
    two = pull.file("2.txt", *[f"3 2 {at} RT" for at in days], "bad")
    told = pull(f"higgs={one}", f"higgs={two}", last_day=NEXT, max_reject_share=1)
    assert opened == ["1.txt", "2.txt"]
    assert sorted(pull.table(ACTIVITY, "day", "actor_id")) == [(DAY, "1"), (DAY, "3"), (NEXT, "1"), (NEXT, "3")]
    assert pull.table(REJECTS, "day", "line") == [(DAY, 6), (DAY, 5), (NEXT, 7)]  # without a time: on the first day
    assert [(day.day, day.act_count, day.rejected_count) for day in told] == [(DAY, 2, 2), (NEXT, 2, 1)]


def test_an_account_is_what_was_last_told_of_it_on_the_day_property_by_property(pull):
    def profile(**told: Any) -> dict[str, Any]:
        return like({"type": "Person", "id": "ana"} | told, id=f"like-{told}")

    path = pull.file(
        "day.jsonl",
        profile(preferredUsername="ana", name="Ana"),
        profile(name="Ana A."),  # says nothing of the handle
        like({"type": "Service", "id": "rss"}),  # says of itself that it is automated
    )
    pull(f"mastodon:activitystreams={path}")
    none = (None, None, None)
    assert pull.table(ACCOUNTS) == [
        ("mastodon", DAY, "mastodon", "ana", "ana", "Ana A.", *none, False),
        ("mastodon", DAY, "mastodon", "rss", None, None, *none, True),
    ]


@pytest.mark.parametrize("order", [("sample=people=20", "higgs={}"), ("higgs={}", "sample=people=20")])
def test_the_simulation_and_real_people_never_share_a_warehouse(pull, order):
    path = pull.file("day.txt", f"1 2 {NOON} RT")
    first, second = (source.format(path) for source in order)
    pull(first)
    standing, states = pull.standing(), pull.states()
    with pytest.raises(UsageError, match="the two are never mixed; set CLOUT_WAREHOUSE to another folder"):
        pull(second)
    assert (pull.standing(), pull.states()) == (standing, states)


# Interrupted, or beside others


@pytest.mark.parametrize("stop", [RuntimeError("the disk is gone"), KeyboardInterrupt()])
def test_a_pull_that_stops_while_reading_leaves_everything_as_it_was(pull, monkeypatch, stop):
    pull(f"higgs={pull.file('day.txt', f'1 2 {NOON} RT', 'bad')}", max_reject_share=1)
    standing, outcomes = pull.standing(), pull.outcomes()
    pages = HiggsSource.pages

    def breaking(self: HiggsSource, first_day: date, last_day: date) -> Iterator[Any]:
        yield from pages(self, first_day, last_day)
        raise stop

    monkeypatch.setattr(HiggsSource, "pages", breaking)
    with pytest.raises(type(stop)):
        pull(f"higgs={pull.file('day.txt', f'9 2 {NOON} MT', 'worse')}", last_day=NEXT, max_reject_share=1)
    assert (pull.standing(), pull.outcomes()) == (standing, outcomes)
    why = str(stop) or "KeyboardInterrupt"
    assert pull.states() == [(DAY, "done", None), (DAY, "failed", why), (NEXT, "failed", why)]


def test_a_pull_that_stops_while_writing_keeps_the_days_that_are_there(pull, monkeypatch):
    activity = Spool.activity

    def stopping(self: Spool, platform: str, day: date) -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            yield from activity(self, platform, day)
            if day == NEXT:
                raise KeyboardInterrupt

        return pa.RecordBatchReader.from_batches(arrow.schema(ACTIVITY), batches())

    path = pull.file("days.txt", f"1 2 {NOON} RT", f"1 2 {NEXT_NOON} RT", f"1 2 {NEXT_NOON + 86_400} RT")
    monkeypatch.setattr(Spool, "activity", stopping)
    with pytest.raises(KeyboardInterrupt):
        pull(f"higgs={path}", last_day=NEXT + timedelta(days=1))
    assert pull.table(ACTIVITY, "day") == [(DAY,)]
    assert pull.table(COVERAGE, "day") == [(DAY,)]
    failed = [(NEXT + timedelta(days=n), "failed", "KeyboardInterrupt") for n in (0, 1)]
    assert pull.states() == [(DAY, "done", None), *failed]


def test_of_two_pulls_of_one_source_and_day_one_wins_and_the_other_says_to_whom_it_lost(pull, monkeypatch):
    both_opened, met, delta = threading.Barrier(2, timeout=20), set(), Warehouse.delta

    def meeting(self: Warehouse, table: Table, version: int | None = None) -> DeltaTable:
        found = delta(self, table, version)
        thread = threading.current_thread()
        if table is REJECTS and thread not in met and thread is not threading.main_thread():
            met.add(thread)
            both_opened.wait()  # both opened the table before either wrote to it
        return found

    monkeypatch.setattr(Warehouse, "delta", meeting)
    sources = [f"higgs={pull.file(f'{actor}.txt', f'{actor} 2 {NOON} RT', 'bad')}" for actor in (1, 3)]
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(pull, source, max_reject_share=1) for source in sources]
        errors = [one.exception() for one in done]
    (lost,) = [error for error in errors if error]
    assert isinstance(lost, LostRaceError)
    states = {row["status"]: row for row in pull.warehouse.read(RUNS).to_pylist()}
    assert str(lost) == (
        f"rejects twitter 2012-07-04 higgs: lost to run {states['done']['run_id']} (pull_activity), which wrote it meanwhile;"
        " nothing of this run was kept"
    )
    assert states["failed"]["error"] == str(lost)
    winner = "1" if errors[0] is None else "3"
    assert pull.table(ACTIVITY, "actor_id") == [(winner,)]
    assert pull.outcomes() == [(f"{winner}.txt", 2, "rejected", "expected four fields: actor target unix_seconds kind")]


def test_sources_pulled_at_once_all_arrive(pull):
    ids = ["a", "b", "c", "d"]
    paths = [pull.file(f"{name}.txt", f"1 2 {NOON} RT", f"1 2 {NEXT_NOON} RT") for name in ids]
    with ThreadPoolExecutor(len(ids)) as threads:
        sources = [f"{name}:higgs={path}" for name, path in zip(ids, paths, strict=True)]
        list(threads.map(lambda source: pull(source, last_day=NEXT), sources))
    expected = sorted((day, name) for day in (DAY, NEXT) for name in ids)
    assert sorted(pull.table(ACTIVITY, "day", "source")) == expected
    assert pull.table(COVERAGE, "day", "source") == expected
    assert sorted(pull.states()) == sorted((day, "done", None) for day, _ in expected)


MEASURED = """
import resource, sys
from datetime import date
from jobs import pull_activity, runs, storage
from jobs.sources.spec import parse_specs
warehouse = storage.Warehouse(sys.argv[1])
warehouse.create_tables()
(spec,) = parse_specs([sys.argv[2]])
params = pull_activity.Params(source=spec, first_day=date(2012, 7, 4), last_day=date(2012, 7, 4))
print(*pull_activity.run(warehouse, params, runs.Batch("memory")))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_file(pull):
    def peak(lines: int) -> int:
        """MB at most, of a pull of so many lines of 6 kB."""
        path = pull.folder / f"{lines}.jsonl"
        start, end = json.dumps(like("ana", content="x" * 6000)).split("like-ana")
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{start}like-{n}{end}\n" for n in range(lines))
        source = f"m{lines}:activitystreams={path}"
        command = [sys.executable, "-c", MEASURED, pull.warehouse.root, source]
        told, peak_mb = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        assert f"act_count={lines}," in told
        return int(peak_mb)

    small, large = peak(1_000), peak(50_000)  # 6 MB and 300 MB
    assert large < small + 250, f"{large} MB for a file of 300 MB, {small} MB for one of 6 MB"
