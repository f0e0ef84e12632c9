"""Hours of GH Archive in folders: which are opened, what is missing, and what they hold together."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest

from jobs.errors import UsageError
from jobs.sources import gharchive
from jobs.sources.gharchive import GHArchiveSource, hour_name
from jobs.sources.outcomes import UNKNOWN_AUTHOR
from jobs.sources.page import Note
from jobs.sources.spool import spool
from tests.fixture_types import FindFile
from tests.jobs.sources.conftest import CountPages
from tests.jobs.sources.hours import DAY, NEXT_DAY, hour, name


def test_only_the_hours_of_the_days_asked_for_are_opened(tmp_path: Path, count_pages: CountPages) -> None:
    for number in range(24):
        (tmp_path / name(DAY, number)).write_bytes(hour(DAY, number))
    (tmp_path / name(NEXT_DAY, 0)).write_bytes(b"not asked for")
    source = GHArchiveSource("gharchive", [str(tmp_path)])
    found = list(source.pages(DAY, DAY))
    assert [page.file for page in found] == [str(tmp_path / name(DAY, number)) for number in range(24)]
    assert count_pages(found) == ({"like": 24}, {}, 24, 0, [])


def test_a_missing_hour_makes_its_day_partial(tmp_path: Path, count_pages: CountPages) -> None:
    for number in range(24):
        if number not in (3, 17):
            (tmp_path / name(DAY, number)).write_bytes(hour(DAY, number))
    (tmp_path / "2024-11-04-0.json").write_bytes(gzip.decompress(hour(NEXT_DAY, 0)))  # not compressed
    source = GHArchiveSource("gharchive", [str(tmp_path)])
    assert count_pages(source.pages(DAY, DAY)).notes == [
        Note("2 of 24 hours are missing: 2024-11-03-3, 2024-11-03-17", partial=True, day=DAY)
    ]
    totals = count_pages(source.pages(DAY, NEXT_DAY))
    assert totals.kinds == {"like": 23}
    assert [(note.partial, note.day) for note in totals.notes] == [(True, DAY), (True, NEXT_DAY)]


def good_day(folder: Path, **instead: bytes) -> GHArchiveSource:
    """A whole day but for the hours that are something else (`h5=b""`)."""
    for number in range(24):
        (folder / name(DAY, number)).write_bytes(instead.get(f"h{number}", hour(DAY, number)))
    return GHArchiveSource("gharchive", [str(folder)])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty"),
        (gzip.compress(b"", mtime=0), "empty"),
        (
            b"<!DOCTYPE html>\n<title>502 Bad Gateway</title>\n",
            "a page of HTML or XML, as servers send in place of a file",
        ),
        (
            gzip.compress(b"<?xml version='1.0'?>\n<Error/>", mtime=0),
            "a page of HTML or XML, as servers send in place of a file",
        ),
        (b'{"message": "API rate limit exceeded"}', "event is of an unknown type"),
        (b"404: Not Found", "line is not JSON"),
        (hour(DAY, 5)[:9], "archive is truncated or damaged from here on"),
    ],
)
def test_an_hour_that_holds_no_event_makes_its_day_partial_and_is_named(
    tmp_path: Path, count_pages: CountPages, content: bytes, fault: str
) -> None:
    source = good_day(tmp_path, h5=content)
    for first, last in ((DAY, DAY), (DAY, NEXT_DAY)):
        totals = count_pages(source.pages(first, last))
        assert (totals.kinds, totals.faults, totals.lines) == ({"like": 23}, {}, 23)
        assert totals.notes[0] == Note(f"1 of 24 hours hold no event: {DAY}-5 ({fault})", partial=True, day=DAY)


def test_an_hour_that_is_cut_makes_its_own_day_partial_and_is_named(tmp_path: Path, count_pages: CountPages) -> None:
    lines = gzip.decompress(hour(DAY, 5)) * 5_000
    totals = count_pages(good_day(tmp_path, h5=gzip.compress(lines)[:-100]).pages(DAY, NEXT_DAY))
    assert totals.kinds["like"] > 23
    cut, next_day = totals.notes
    assert (cut.reason.startswith(f"{DAY}-5.json.gz breaks off at line "), cut.partial, cut.day) == (True, True, DAY)
    assert next_day.day == NEXT_DAY


def test_hours_that_mirrors_name_with_two_digits_are_those_hours(tmp_path: Path, count_pages: CountPages) -> None:
    for number in range(24):
        (tmp_path / f"{DAY}-{number:02}.json.gz").write_bytes(hour(DAY, number))
    assert count_pages(GHArchiveSource("gharchive", [str(tmp_path)]).pages(DAY, DAY)) == ({"like": 24}, {}, 24, 0, [])


@pytest.mark.parametrize(
    ("day", "reasons"),
    [
        (date(2025, 5, 22), 0),
        (date(2025, 5, 23), 1),  # 40 % of all events
        (date(2026, 1, 31), 1),
        (date(2026, 2, 1), 2),  # 80 % of stars
    ],
)
def test_days_of_which_the_archive_itself_lacks_events_are_never_complete(
    tmp_path: Path, count_pages: CountPages, day: date, reasons: int
) -> None:
    for number in range(24):
        (tmp_path / name(day, number)).write_bytes(hour(day, number))
    notes = count_pages(GHArchiveSource("gharchive", [str(tmp_path)]).pages(day, day)).notes
    assert [note.reason for note in notes] == list(gharchive.GAPS.values())[:reasons]
    assert all(note.partial and note.day == day and note.lasting and not note.absent for note in notes)


def test_an_hour_in_several_places_is_read_once(tmp_path: Path, count_pages: CountPages) -> None:
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name(DAY, 0)).write_bytes(hour(DAY, 0))
    (tmp_path / "first" / "2024-11-03-0.json").write_bytes(gzip.decompress(hour(DAY, 0)))  # unpacked beside it
    source = GHArchiveSource("gharchive", [str(tmp_path / "first"), str(tmp_path / "second" / name(DAY, 0))])
    page, _missing = source.pages(DAY, DAY)
    assert page.file in (str(tmp_path / "first" / name(DAY, 0)), str(tmp_path / "first" / "2024-11-03-0.json"))


def test_a_file_that_is_no_hour_is_reported(tmp_path: Path) -> None:
    place = tmp_path / "events.json"
    place.touch()
    with pytest.raises(UsageError, match=r"events\.json: expected files named YYYY-MM-DD-H\.json\.gz"):
        GHArchiveSource("gharchive", [str(place)])


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2012, 3, 8, 0), "2012-03-08-0"),  # filled in later, in UTC
        (datetime(2012, 7, 26, 6), "2012-07-25-23"),  # California, in summer
        (datetime(2014, 12, 31, 23), "2014-12-31-15"),
        (datetime(2015, 1, 1, 0), "2015-01-01-0"),  # GitHub's events API, in UTC
    ],
)
def test_what_the_archive_calls_an_hour(at: datetime, expected: str) -> None:
    assert hour_name(at.replace(tzinfo=UTC)) == expected


def test_days_on_which_clocks_change_in_california(tmp_path: Path, count_pages: CountPages) -> None:
    def hours(day: date) -> int:
        for path in tmp_path.iterdir():
            path.unlink()
        for offset in (-1, 0):
            for number in range(24):
                other = date.fromordinal(day.toordinal() + offset)
                if (other, number) != (date(2013, 3, 10), 2):  # an hour that was skipped
                    (tmp_path / name(other, number)).write_bytes(hour(other, number))
        totals = count_pages(GHArchiveSource("gharchive", [str(tmp_path)]).pages(day, day))
        assert totals.notes == []
        return totals.lines

    assert [hours(date(2013, 3, 10)), hours(date(2012, 11, 4))] == [24, 23]  # of the hour that came twice, one file


def test_who_opened_a_pull_request_is_found_in_another_hour(tmp_path: Path) -> None:
    def line(hour: int, kind: str, actor: str, **payload: object) -> bytes:
        event = {"id": hour, "type": kind, "actor": {"login": actor}, "repo": {"name": "bo/tool"}, "payload": payload}
        return orjson.dumps(event | {"created_at": f"{DAY}T{hour:02}:00:00Z"})

    def reviewed(number: int) -> dict:
        return {"action": "created", "review": {"id": number}, "pull_request": {"number": number}}  # names no author

    (tmp_path / f"{DAY}-1.json").write_bytes(
        line(1, "PullRequestReviewEvent", "ana", **reviewed(12))
        + b"\n"
        + line(2, "PullRequestReviewEvent", "dan", **reviewed(13))  # opened long ago
    )
    (tmp_path / f"{DAY}-2.json").write_bytes(line(3, "PullRequestEvent", "cleo", action="opened", number=12))
    with spool("gharchive", DAY, DAY) as spooled:
        for page in GHArchiveSource("gharchive", [str(tmp_path)]).pages(DAY, DAY):
            spooled.add(page)
        spooled.resolve()
        acts = spooled.activity("github", DAY, "pull").read_all().select(["kind", "actor_id", "target_id", "object_id"])
        rejects = spooled.rejects("github", DAY, "pull").read_all().select(["line", "outcome", "reason"])
    assert [tuple(row.values()) for row in acts.to_pylist()] == [
        ("reply", "ana", "cleo", "bo/tool#12"),
        ("post", "dan", "dan", None),
        ("mention", "cleo", "bo", None),
        ("post", "cleo", "cleo", None),
    ]
    assert [tuple(row.values()) for row in rejects.to_pylist()] == [(2, "unresolved", UNKNOWN_AUTHOR)]


def test_the_first_hours_of_2015(data: FindFile, count_pages: CountPages) -> None:
    source = GHArchiveSource("gharchive", [str(data("gharchive"))])
    day = date(2015, 1, 1)
    pages = list(source.pages(day, day))
    totals = count_pages(pages)
    # Posts: 8,430 pushes, 453 issues and 342 pull requests opened, 571 repositories made and 10 shown, 67 releases.
    assert totals.kinds == {"post": 9_873, "reply": 1_596, "like": 1_291, "mention": 595, "reshare": 435}
    assert (totals.lines, totals.ignored, totals.faults) == (7_702 + 7_427, 1_934, {})
    assert [note.partial for note in totals.notes] == [True]
    with spool("gharchive", day, day) as spooled:
        for page in pages:
            spooled.add(page)
        spooled.resolve()
        counts = spooled.counts("github", day)
    assert counts == {
        "acts": 13_790,
        "repeated": 0,
        "rejected": 0,
        "unresolved": 0,
        "ignored": 1_934,
        "lines": 15_129,
    }
