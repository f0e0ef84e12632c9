"""What a pull replaces, what stays when it fails, and what it takes of memory."""

import bz2
import errno
import gzip
import io
import json
import lzma
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pytest
from backports import zstd
from deltalake import DeltaTable

from jobs.errors import CloutError, UsageError
from jobs.places import ROOT
from jobs.sources import lines as source_lines
from jobs.sources.higgs import HiggsSource
from jobs.sources.spool import Spool
from jobs.warehouse.storage import LostRaceError, Warehouse
from schemas import arrow
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.table import Table
from tests.jobs.pulls import DAY, NEXT, NEXT_NOON, NOON, Pulls, like

# What a pull replaces


def test_pulling_a_source_again_replaces_its_own_rows_only(pull: Pulls) -> None:
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


def test_the_same_pages_give_the_same_rows(pull: Pulls) -> None:
    path = pull.file("day.jsonl", like({"type": "Person", "id": "ana", "name": "Ana"}), like("bo"), "bad", like("ana"))
    again = [
        pull(f"mastodon:activitystreams={path}", max_reject_share=1) and (pull.counting(), pull.outcomes())
        for _ in "12"
    ]
    assert again[0] == again[1]


def test_a_range_reads_each_file_once_and_leaves_other_days_alone(pull: Pulls, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    decompressed = source_lines.decompressed

    def noted(raw: BinaryIO, name: str) -> BinaryIO:
        opened.append(Path(name).name)
        return decompressed(raw, name)

    monkeypatch.setattr(source_lines, "decompressed", noted)
    days = [NOON - 86_400, NOON, NEXT_NOON, NEXT_NOON + 86_400]  # the first and the last are not asked for
    one = pull.file("1.txt", *[f"1 2 {at} RT" for at in days], *[f"1 2 {at} XX" for at in days])
    two = pull.file("2.txt", *[f"3 2 {at} RT" for at in days], "bad")
    pulled = pull(f"higgs={one}", f"higgs={two}", last_day=NEXT, max_reject_share=1)
    assert opened == ["1.txt", "2.txt"]
    assert sorted(pull.table(ACTIVITY, "day", "actor_id")) == [(DAY, "1"), (DAY, "3"), (NEXT, "1"), (NEXT, "3")]
    assert pull.table(REJECTS, "day", "line") == [(DAY, 6), (DAY, 5), (NEXT, 7)]  # without a time: on the first day
    assert [(day.day, day.act_count, day.rejected_count) for day in pulled] == [(DAY, 2, 2), (NEXT, 2, 1)]


def test_an_account_has_the_last_known_value_of_each_property_on_the_day(pull: Pulls) -> None:
    def profile(**properties: Any) -> dict[str, Any]:
        return like({"type": "Person", "id": "ana"} | properties, id=f"like-{properties}")

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
def test_the_simulation_and_real_people_never_share_a_warehouse(pull: Pulls, order: tuple[str, str]) -> None:
    path = pull.file("day.txt", f"1 2 {NOON} RT")
    first, second = (source.format(path) for source in order)
    pull(first)
    counting, states = pull.counting(), pull.states()
    with pytest.raises(UsageError, match="the two are never mixed; set CLOUT_WAREHOUSE to another folder"):
        pull(second)
    assert (pull.counting(), pull.states()) == (counting, states)


# Interrupted, or beside others


@pytest.mark.parametrize("stop", [RuntimeError("the disk is gone"), KeyboardInterrupt()])
def test_a_pull_that_stops_while_reading_leaves_everything_as_it_was(
    pull: Pulls, monkeypatch: pytest.MonkeyPatch, stop: RuntimeError | KeyboardInterrupt
) -> None:
    pull(f"higgs={pull.file('day.txt', f'1 2 {NOON} RT', 'bad')}", max_reject_share=1)
    counting, outcomes = pull.counting(), pull.outcomes()
    pages = HiggsSource.pages

    def breaking(self: HiggsSource, first_day: date, last_day: date) -> Iterator[Any]:
        yield from pages(self, first_day, last_day)
        raise stop

    monkeypatch.setattr(HiggsSource, "pages", breaking)
    with pytest.raises(type(stop)):
        pull(f"higgs={pull.file('day.txt', f'9 2 {NOON} MT', 'worse')}", last_day=NEXT, max_reject_share=1)
    assert (pull.counting(), pull.outcomes()) == (counting, outcomes)
    why = str(stop) or "KeyboardInterrupt"
    assert pull.states() == [(DAY, "done", None), (DAY, "failed", why), (NEXT, "failed", why)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_an_error_of_the_machine_fails_the_pull_and_is_no_truncated_archive(
    pull: Pulls, monkeypatch: pytest.MonkeyPatch, pack: type | Callable[..., Any]
) -> None:
    """A mount gives the first 100,000 bytes of a file and then an I/O error; nothing is wrong with the file itself."""
    random.seed(1)  # so that packed, too, it is longer than what is given
    lines = "".join(f"{random.getrandbits(60)} {random.getrandbits(60)} {NOON} RT\n" for _ in range(20_000))
    path = pull.file("day.txt", f"1 2 {NOON} RT")
    pull(f"higgs={path}")
    counting = pull.counting()
    content = pack(lines.encode())

    class Mount(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 100_000:
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
            return super().read(min(size or 10_000, 10_000))

    opened = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, *how, **more: Mount(content) if self == path else opened(self, *how, **more)
    )
    with pytest.raises(CloutError) as failed:
        pull(f"higgs={path}", max_reject_share=1)
    assert str(failed.value) == (
        f"{path}: Input/output error; nothing pulled, every day stays as it was. Pull again when the file can be read"
    )
    assert pull.counting() == counting
    assert pull.states()[-1] == (DAY, "failed", str(failed.value))


def test_a_pull_that_stops_while_writing_keeps_the_days_that_are_there(
    pull: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    activity = Spool.activity

    def stopping(self: Spool, platform: str, day: date, run_id: str) -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            yield from activity(self, platform, day, run_id)
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


def test_of_two_pulls_of_one_source_and_day_one_wins_and_the_other_says_to_whom_it_lost(
    pull: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_opened, met, delta = threading.Barrier(2, timeout=20), set(), Warehouse.delta

    def meeting(self: Warehouse, table: Table, version: int | None = None) -> DeltaTable:
        found = delta(self, table, version)
        thread = threading.current_thread()
        if table is COVERAGE and thread not in met and thread is not threading.main_thread():
            met.add(thread)
            both_opened.wait()  # both saw what counts before either decided
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
        f"coverage 2012-07-04 higgs: lost to run {states['done']['run_id']} (pull_activity), which pulled it meanwhile;"
        " nothing of this run was kept"
    )
    assert states["failed"]["error"] == str(lost)
    winner = "1" if errors[0] is None else "3"
    assert pull.table(ACTIVITY, "actor_id") == [(winner,)]
    assert pull.outcomes() == [(f"{winner}.txt", 2, "rejected", "expected four fields: actor target unix_seconds kind")]


def test_sources_pulled_at_once_all_arrive(pull: Pulls) -> None:
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
from jobs import pull_activity
from jobs.warehouse import runs, storage
from jobs.sources.spec import parse_specs
warehouse = storage.Warehouse(sys.argv[1])
warehouse.create_tables()
(spec,) = parse_specs([sys.argv[2]])
params = pull_activity.Params(source=spec, first_day=date(2012, 7, 4), last_day=date(2012, 7, 4))
print(*pull_activity.run(warehouse, params, runs.Batch("memory")))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.system
def test_memory_does_not_grow_with_the_file(pull: Pulls) -> None:
    def peak(lines: int) -> int:
        """MB at most, of a pull of this many lines of 6 kB."""
        path = pull.folder / f"{lines}.jsonl"
        start, end = json.dumps(like("ana", content="x" * 6000)).split("like-ana")
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{start}like-{n}{end}\n" for n in range(lines))
        source = f"m{lines}:activitystreams={path}"
        command = [sys.executable, "-c", MEASURED, pull.warehouse.root, source]
        counts, peak_mb = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        assert f"act_count={lines}," in counts
        return int(peak_mb)

    small, large = peak(1_000), peak(50_000)  # 6 MB and 300 MB
    assert large < small + 250, f"{large} MB for a file of 300 MB, {small} MB for one of 6 MB"
