"""SNAP's Higgs file, against SNAP's own aggregates of it."""

import gzip
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.sources.higgs import HiggsSource, parse
from jobs.sources.page import Act, Rejected
from jobs.sources.values import derived_id
from tests.fixture_types import FindFile

NOON = 1_341_144_000  # 2012-07-01 12:00:00 UTC


def test_each_kind() -> None:
    own = derived_id("7", "9", NOON * 1_000_000)
    assert [parse(b"7 9 %d %s\n" % (NOON, kind)) for kind in (b"RT", b"MT", b"RE")] == [
        (Act("reshare", "7", "9", NOON * 1_000_000, own),),
        (Act("mention", "7", "9", NOON * 1_000_000, own),),  # the same act as the reply of the same second
        (Act("reply", "7", "9", NOON * 1_000_000, own),),
    ]


@pytest.mark.parametrize(
    ("line", "reason", "occurred_at"),
    [
        (b"7 9 RT", "expected four fields: actor target unix_seconds kind", None),
        (b"7 9 noon RT", "time is not a number of seconds", None),
        (b"7 9 99999999999 RT", "time is out of range", None),
        (b"7 9 %d XX" % NOON, "kind is none of RT, MT, RE", NOON * 1_000_000),
        (b"7 -9 %d RT" % NOON, "actor or target is not a number", NOON * 1_000_000),
    ],
)
def test_faults(line: bytes, reason: str, occurred_at: int | None) -> None:
    with pytest.raises(Rejected) as fault:
        parse(line)
    assert (fault.value.reason, fault.value.occurred_at) == (reason, occurred_at)


def test_a_folder_without_such_files_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file with one of \.txt, \.txt\.gz"):
        HiggsSource("higgs", [str(tmp_path)])


@pytest.mark.system
def test_the_real_file_counts_as_its_publisher_counted(data: FindFile) -> None:
    source = HiggsSource("higgs", [str(data("twitter-higgs/higgs-activity_time.txt.gz"))])
    pairs: dict[str, Counter[tuple[str, str]]] = {"reshare": Counter(), "mention": Counter(), "reply": Counter()}
    lines: Counter[date | None] = Counter()
    for page in source.pages(date(2012, 7, 1), date(2012, 7, 7)):
        assert page.faults.num_rows == 0
        lines.update(page.lines)
        columns = (page.acts[name].to_pylist() for name in ("kind", "actor_id", "target_id"))
        for kind, actor, target in zip(*columns, strict=True):
            pairs[kind][actor, target] += 1
    assert {kind: count.total() for kind, count in pairs.items()} == {
        "reshare": 354_930,
        "mention": 171_237,
        "reply": 36_902,
    }
    assert (len(lines), lines.total()) == (7, 563_069)
    for kind, name in (("reshare", "retweet"), ("mention", "mention"), ("reply", "reply")):
        with gzip.open(data(f"twitter-higgs/higgs-{name}_network.edgelist.gz"), "rt") as published:
            oracle = {(src, dst): int(count) for src, dst, count in map(str.split, published)}
        assert pairs[kind] == oracle
