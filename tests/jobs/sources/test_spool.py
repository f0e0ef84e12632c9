"""Pages gathered on disk: where two rows compete, the order of lines decides; nothing stays behind."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.sources.page import (
    ACTS,
    DAY_US,
    Account,
    Act,
    Author,
    Ignored,
    Note,
    Page,
    PageBuilder,
    Record,
    Rejected,
    Undo,
    Unresolved,
)
from jobs.sources.spool import Spool, spool

DAY = date(2026, 11, 3)
NOON = (DAY - date(1970, 1, 1)).days * DAY_US + DAY_US // 2


def page(file: str, *lines: Record | tuple[Record, ...] | Rejected, platform: str = "twitter") -> Page:
    """A page of lines 1, 2, ..., each one record, several, or rejected."""
    builder = PageBuilder(platform, file)
    for number, line in enumerate(lines, 1):
        if isinstance(line, Rejected):
            builder.reject(number, b"text", line)
        else:
            builder.add(number, b"text", (line,) if isinstance(line, Record) else line)
    return builder.page()


def reply(actor: str, target: str | None = "bo", *, about: str | None = None, act: str = "r", at: int = NOON) -> Act:
    return Act("reply", actor, target, at, act, about)


def counted(**counts: int) -> dict[str, int]:
    """All that is counted of a day; nothing of what is not named."""
    return dict.fromkeys(("acts", "repeated", "rejected", "unresolved", "ignored", "lines"), 0) | counts


@pytest.fixture
def spooled() -> Iterator[Spool]:
    with spool("test", DAY, DAY) as made:
        yield made


def resolved(spooled: Spool, *pages: Page) -> tuple[list[tuple], list[tuple]]:
    """Acts as (activity_id, kind, actor_id, target_id), and rejects as (file, line, outcome, reason), in order of lines."""
    for each in pages:
        spooled.add(each)
    spooled.resolve()
    acts = spooled.activity("twitter", DAY, "pull").read_all().select(["activity_id", "kind", "actor_id", "target_id"])
    rejects = spooled.rejects("twitter", DAY, "pull").read_all().select(["file", "line", "outcome", "reason"])
    return [tuple(row.values()) for row in acts.to_pylist()], [tuple(row.values()) for row in rejects.to_pylist()]


def test_of_two_reports_of_one_grain_the_earlier_line_counts(spooled: Spool) -> None:
    acts, rejects = resolved(
        spooled,
        page("b", Ignored(NOON), reply("first")),  # files are ordered as they are read, not by name
        page("a", reply("second"), reply("third", "cy")),  # another target: another grain
    )
    assert acts == [("r", "reply", "first", "bo"), ("r", "reply", "third", "cy")]
    assert rejects == [("a", 1, "rejected", "has the id of an act by another account")]


def test_the_same_report_again_is_counted_and_is_no_reject(spooled: Spool) -> None:
    twice = (reply("ana"), reply("ana", "cy"))
    acts, rejects = resolved(spooled, page("a", reply("ana"), twice, twice), page("b", reply("ana", at=NOON + 1)))
    assert acts == [("r", "reply", "ana", "bo"), ("r", "reply", "ana", "cy")]  # the second line brings one more act
    assert rejects == []
    assert spooled.counts("twitter", DAY) == counted(acts=2, repeated=3, lines=4)
    assert spooled.rejected() == (0, 4, [])


def test_an_undo_without_a_time_is_of_whichever_day_holds_the_act() -> None:
    tomorrow = DAY + timedelta(days=1)
    with spool("test", DAY, tomorrow) as spooled:
        acts, _ = resolved(
            spooled, page("f", Undo("s", "ana", None), reply("ana"), reply("ana", act="s", at=NOON + DAY_US))
        )
        assert acts == [("r", "reply", "ana", "bo")]
        assert spooled.counts("twitter", tomorrow)["acts"] == 0
        assert spooled.counts("twitter", tomorrow)["ignored"] == 1


def test_an_undo_without_a_time_is_another_s_of_nothing(spooled: Spool) -> None:
    acts, _ = resolved(spooled, page("f", reply("ana"), Undo("r", "bo", None)))
    assert acts == [("r", "reply", "ana", "bo")]


def test_activities_of_unknown_types_are_counted_by_type(spooled: Spool) -> None:
    resolved(spooled, page("f", *(Ignored(NOON, name) for name in ("Bite", "Sing", "Bite")), Ignored(NOON)))
    assert spooled.notes["twitter", DAY] == [Note("ignored, of unknown types: Bite (2), Sing (1)", partial=False)]
    assert spooled.counts("twitter", DAY) == counted(ignored=4, lines=4)


def test_unknown_types_without_end_are_counted_together(spooled: Spool) -> None:
    resolved(spooled, page("f", *(Ignored(NOON, f"T{number:04}") for number in range(2_000))))
    (note,) = spooled.notes["twitter", DAY]
    assert note.reason.startswith("ignored, of unknown types: T0000 (1), T0001 (1), ")
    assert note.reason.endswith(" and 991 more")
    assert sum(spooled.unknown.values()) == 2_000


def test_the_latest_line_ends_what_the_files_say(spooled: Spool) -> None:
    assert spooled.ends is None
    resolved(spooled, page("f", reply("ana"), Ignored(None), reply("bo", at=NOON + 3 * DAY_US)))
    assert spooled.ends == DAY + timedelta(days=3)


def test_who_is_named_twice_on_one_line_is_reported_once(spooled: Spool) -> None:
    assert resolved(spooled, page("f", (reply("ana"), reply("ana")))) == ([("r", "reply", "ana", "bo")], [])


def test_a_line_with_several_faults_is_reported_once_and_a_rejected_one_is_not_also_unresolved(spooled: Spool) -> None:
    nobody = reply("ana", None, about="unknown", act="q")
    _, rejects = resolved(spooled, page("f", reply("ana"), (reply("bo"), nobody, Unresolved("no such thing", NOON))))
    assert rejects == [
        (
            "f",
            2,
            "rejected",
            "author of what was acted on is not known; has the id of an act by another account; no such thing",
        )
    ]
    assert spooled.counts("twitter", DAY) == counted(acts=2, rejected=1, lines=2)


def test_a_content_of_two_authors_is_the_first_ones_by_name(spooled: Spool) -> None:
    acts, _ = resolved(
        spooled, page("f", Author("note", "zoe"), Author("note", "bo"), reply("ana", None, about="note"))
    )  # fmt: skip
    assert acts == [("r", "reply", "ana", "bo")]


def test_an_author_on_another_platform_is_nobodys_parent(spooled: Spool) -> None:
    acts, rejects = resolved(
        spooled, page("f", Author("note", "bo"), platform="reddit"), page("g", reply("ana", None, about="note"))
    )
    assert acts == [("r", "post", "ana", "ana")]
    assert rejects == [("g", 1, "unresolved", "author of what was acted on is not known")]


def test_an_act_taken_back_leaves_neither_act_nor_post_nor_reject(spooled: Spool) -> None:
    acts, rejects = resolved(spooled, page("f", reply("ana", None, about="unknown"), Undo("r", "ana", NOON)))
    assert (acts, rejects) == ([], [])
    assert spooled.counts("twitter", DAY) == counted(ignored=2, lines=2)


def test_each_line_is_counted_on_its_day_and_without_a_time_on_the_first(spooled: Spool) -> None:
    tomorrow = NOON + DAY_US
    resolved(
        spooled,
        page("f", reply("ana"), reply("ana", act="s", at=tomorrow), Ignored(None), Ignored(tomorrow), Rejected("bad")),
    )
    assert spooled.counts("twitter", DAY) == counted(acts=1, rejected=1, ignored=1, lines=3)
    assert spooled.rejected() == (1, 5, [("bad", 1)])  # of all lines read
    assert spooled.rejected(DAY) == (0, 1, [])  # of the lines whose time is on this day


def test_the_three_commonest_reasons_are_listed_most_frequent_first(spooled: Spool) -> None:
    reasons = Counter({"d": 4, "b": 2, "c": 2, "a": 1})
    resolved(spooled, page("f", *[Rejected(reason, NOON) for reason in reasons.elements()]))
    assert spooled.rejected() == spooled.rejected(DAY) == (9, 9, [("d", 4), ("b", 2), ("c", 2)])


def test_digests_are_of_the_rows_whatever_files_and_lines_they_come_from() -> None:
    def digests(*pages: Page) -> tuple[str, str]:
        with spool("test", DAY, DAY) as spooled:
            resolved(spooled, *pages)
            return spooled.activity_digest("twitter", DAY), spooled.accounts_digest("twitter", DAY)

    ana, bo = Account("ana", NOON, "ana"), Account("bo", NOON, "bo")
    one = digests(page("f", reply("ana"), ana, reply("cy", act="s"), bo))
    other = digests(page("g", bo, Ignored(NOON), reply("cy", act="s")), page("f", ana, reply("ana")))
    assert one == other
    assert digests(page("f", reply("ana"), ana, reply("cy", act="t"), bo))[0] != one[0]
    assert digests(page("f", reply("ana", at=NOON + 1), ana, reply("cy", act="s"), bo))[0] != one[0]
    assert digests(page("f", reply("ana"), Account("ana", NOON, "Ana"), reply("cy", act="s"), bo)) != one


def test_an_account_has_the_last_known_value_of_each_column(spooled: Spool) -> None:
    resolved(
        spooled,
        page("f", Account("ana", NOON, "ana", "Ana", 1, 10, None, False)),
        page("g", Account("ana", NOON - 1, "ana2", follower_count=11), Account("bo", NOON)),
    )
    rows = [tuple(row.values())[3:] for row in spooled.accounts("twitter", DAY, "pull").read_all().to_pylist()]
    made = date(1970, 1, 1)
    assert [(*row[:3], row[3] and row[3].date(), *row[4:-1]) for row in rows] == [
        ("ana", "ana2", "Ana", made, 11, None, False),
        ("bo", None, None, None, None, None, None),
    ]


@pytest.mark.parametrize(("folder", "budget", "memory"), [("plain", "0.5", "953.6 MiB"), ("it's", "4", "1.8 GiB")])
def test_a_spool_stays_within_its_memory_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, budget: str, memory: str
) -> None:
    (tmp_path / folder).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / folder))
    monkeypatch.setenv("CLOUT_MEMORY_GB", budget)
    with spool("test", DAY, DAY) as made:
        ((limit, spill),) = made._db.execute(
            "select current_setting('memory_limit'), current_setting('temp_directory')"
        ).fetchall()
        assert limit == memory
        assert Path(spill).is_relative_to(tmp_path / folder)
        (kept,) = (tmp_path / folder).iterdir()
        assert kept.name.startswith("clout-")
    assert list((tmp_path / folder).iterdir()) == []


def test_rows_beyond_its_memory_are_on_disk_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUT_MEMORY_GB", "0.2")
    monkeypatch.setattr("jobs.scratch.MEMORY_BYTES", 0)
    pages, count = 4, 40_000
    with spool("test", DAY, DAY) as made:
        for number in range(pages):
            ids = pa.array([f"{number}-{line:0200}" for line in range(count)])
            columns = [pa.repeat(text, count) for text in ("like", "ana", "bo")]
            rows = [*columns, pa.repeat(NOON, count), ids, ids, pa.array(range(count)), pa.nulls(count, pa.string())]
            made.add(Page(platform="twitter", file=str(number), acts=pa.record_batch(rows, schema=ACTS)))
        made.resolve()
        (spilled,) = made._db.execute("select sum(size) from duckdb_temporary_files()").fetchone() or (None,)
        assert spilled
        assert sum(batch.num_rows for batch in made.activity("twitter", DAY, "pull")) == pages * count


def stop_inside() -> None:
    with spool("test", DAY, DAY):
        raise KeyboardInterrupt


def test_a_spool_that_is_interrupted_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        stop_inside()
    assert list(tmp_path.iterdir()) == []
