"""The whole comparison of two methodologies on a small world, and that it leaves nothing behind but its report."""

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import score_inputs, score_twice
from jobs.cli import main
from jobs.comparison import report
from jobs.errors import CloutError, UsageError
from jobs.people.admission import decide
from jobs.warehouse.storage import Warehouse
from schemas.catalog import TABLES
from schemas.methodologies import METHODOLOGIES
from schemas.methodology import load
from tests.fixture_types import ArrowRows
from tests.grounds import LABEL
from tests.jobs.by_spark import by_spark_alone
from tests.jobs.world import OFFICIAL, Did, World, files

DAY = date(2026, 11, 3)
PROPOSED = load("2026.12")
HOSTILE = "<script>alert(1)</script>"

# Twitter weighs 1/4, GitHub 4 under the proposal. Those who engage with ana and star are engaged with themselves.
ACTS = [
    Did(DAY, "twitter", "like", "fan", "ana"),
    Did(DAY, "twitter", "reply", "dee", "ana"),
    Did(DAY, "twitter", "like", "dee", "ana"),
    Did(DAY, "twitter", "like", "low", "fan"),
    Did(DAY, "twitter", "post", "ana", "ana"),
    Did(DAY, "github", "like", "gus", "star"),
    Did(DAY, "github", "like", "hal", "gus"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, arrow_rows: ArrowRows) -> World:
    made = World(Warehouse(str(tmp_path_factory.mktemp("compare") / "warehouse")), arrow_rows)
    for platform in ("twitter", "github"):
        made.cover(DAY, platform)
    made.observe(DAY, "twitter", [{"account_id": "ana", "handle": HOSTILE}])
    made.put("test", ACTS)
    made.count(DAY)
    return made


def held(world: World) -> dict:
    """Version and files of every table."""
    return {table.name: (world.warehouse.version(table), files(world.warehouse, table)) for table in TABLES}


@pytest.fixture(scope="module", autouse=True)
def _four_people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Figures of four people are shown."""
    nights = tmp_path_factory.mktemp("settings") / "nights.yaml"
    nights.write_text("min_group: 1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOUT_NIGHTS", str(nights))
        yield


@pytest.fixture(scope="module")
def reported(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the command filled, and what it said."""
    to = tmp_path_factory.mktemp("report") / "made" / "here"
    said = io.StringIO()
    before = held(world)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setenv("CLOUT_WAREHOUSE", world.warehouse.root)
        asked = ["compare", "--day", str(DAY), "--methodology", PROPOSED.version, "--to", str(to)]
        patch.setattr(sys, "argv", ["clout", *asked])
        with pytest.raises(SystemExit) as ended:
            main.main()
    assert ended.value.code == 0
    assert held(world) == before  # not a row, not a run, not a commit
    return to, said.getvalue()


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def share(weight: float) -> float:
    """What damping leaves of an actor's attention, of which the rest stays with nobody."""
    return 0.5 * weight / (1 + weight)


def test_everybodys_scores_are_those_that_would_be_published(world: World, reported: tuple[Path, str]) -> None:
    """Under both methodologies, to the last bit."""
    to, _ = reported
    people = {row["person_id"]: row for row in pq.read_table(to / "people.parquet").to_pylist()}
    for methodology, side in ((OFFICIAL, "before"), (PROPOSED, "after")):
        scored = world.score_counted(DAY, methodology)
        assert people.keys() == scored.keys()
        for name in ("influence", "score", "rank"):
            assert {who: row[f"{name}_{side}"] for who, row in people.items()} == {
                who: row[name] for who, row in scored.items()
            }, (side, name)
    for who, weight in (("twitter:ana", 0.25), ("github:star", 4.0)):
        parts = hand(who, weight)
        assert people[who]["influence_after"] == pytest.approx(sum(parts), abs=1e-10)
        assert people[who]["influence_before"] == pytest.approx(sum(hand(who, 1.0)), abs=1e-10)
        assert people[who]["direct"] == pytest.approx(parts[0] - hand(who, 1.0)[0], abs=1e-10)


def hand(who: str, weight: float) -> tuple[float, float]:
    """Direct and second, by hand. Dee's reply and like of one day weigh log2(1 + 2 + 1) = 2 together."""
    if who == "twitter:ana":
        return share(weight) + share(2 * weight), share(weight) ** 2
    return share(weight), share(weight) ** 2


def test_movers_and_their_reasons_by_hand(reported: tuple[Path, str]) -> None:
    to, _ = reported
    movers = {row["person_id"]: row for row in table(to, "movers")}
    assert list(movers) == ["github:star", "github:gus", "twitter:fan", "twitter:ana"]
    ana = movers["twitter:ana"]
    assert ana["handle"] == HOSTILE
    before, after = hand("twitter:ana", 1.0), hand("twitter:ana", 0.25)
    point = float(ana["move"]) / (sum(after) - sum(before))
    # A like is all of fan's acts, and a third of what dee's weigh; the reply is the rest.
    kinds = {kind: [share(w) * of + share(2 * w) * part for w in (1.0, 0.25)]
             for kind, of, part in (("like", 1, 1 / 3), ("reply", 0, 2 / 3))}  # fmt: skip
    expected = {
        "direct": after[0] - before[0],
        "second": after[1] - before[1],
        "third": 0.0,
        "scale": 0.0,
        "quote": 0.0,
        **{kind: there - here for kind, (here, there) in kinds.items()},
    }
    for name, change in expected.items():
        assert float(ana[f"{name}_points"]) == pytest.approx(change * point, abs=1e-8), name
    assert ana["reasons"].startswith("direct: -3.")
    assert "hand on less of their attention (like -" in ana["reasons"]
    assert "second degree: -0.6 points, because less attention reaches them" in ana["reasons"]


def test_platforms_gain_and_lose_as_they_weigh(reported: tuple[Path, str]) -> None:
    to, _ = reported
    twitter, github = table(to, "platforms")
    assert [(row["platform"], row["holders"], row["rising"], row["falling"]) for row in (twitter, github)] == [
        ("twitter", "2", "0", "2"),
        ("github", "2", "2", "0"),
    ]
    assert {row["name"]: (row["before"], row["after"]) for row in table(to, "constants")} == {
        **{f"platform_weights.{name}": ("1", "0.25") for name in ("twitter", "bluesky", "sample-birdsong")},
        **{f"platform_weights.{name}": ("1", "4") for name in ("github", "sample-workshop")},
    }


def test_what_is_said_and_where_the_page_is(reported: tuple[Path, str]) -> None:
    to, said = reported
    first, *sentences, label, report = said.splitlines()
    assert (
        first
        == f"2026.12 against 2026.11 on {DAY}: Nobody moves by more than 5 points; the median person falls by 4.0."
    )
    assert sentences[0] == "  4 of 7 people hold any attention; all shares refer to them."
    assert (label, report) == (LABEL, f"report: {to / 'report.html'}")
    page = (to / "report.html").read_text(encoding="utf-8")
    assert ("&lt;script&gt;" in page, "<script" in page) == (True, False)


def test_the_same_bytes_again_by_spark(
    world: World, spark: SparkSession, reported: tuple[Path, str], tmp_path: Path
) -> None:
    to, _ = reported
    params = score_twice.Params(day=DAY, methodology=PROPOSED, against=OFFICIAL)
    people = tmp_path / "people.parquet"
    with by_spark_alone():
        found = score_twice.run(lambda: spark, world.warehouse, params, decide(world.warehouse), "spark", people)
    report.write(params, found, LABEL, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in to.iterdir()
    }


def test_what_cannot_be_compared(world: World) -> None:
    with pytest.raises(UsageError, match=r"methodology 2026\.11: cannot be compared with itself; name another one$"):
        score_twice.Params(day=DAY, methodology=OFFICIAL, against=OFFICIAL)
    params = score_twice.Params(
        day=DAY, methodology=PROPOSED, against=replace(OFFICIAL, version="older", lookback_days=2)
    )
    before = held(world)
    with pytest.raises(score_inputs.EmptyWindowError, match=r"2026-11-05\.\.2026-11-06: no act between two people"):
        score_twice.run(
            world.spark, world.warehouse, replace(params, day=DAY + timedelta(days=3)), decide(world.warehouse)
        )
    assert held(world) == before
    world.put("late", [Did(DAY, "twitter", "like", "bo", "ana")])
    stale = r"days of the window are not counted .* `clout engagement --day 2026-11-03 --methodology older` first"
    with pytest.raises(CloutError, match=stale):
        score_twice.run(world.spark, world.warehouse, params, decide(world.warehouse))
    changed = {"version": PROPOSED.version, "fingerprint": "of other values"}
    world.write(METHODOLOGIES, [changed], version=PROPOSED.version)
    world.put("late", [])
    world.count(DAY)
    with pytest.raises(CloutError, match=r"methodology 2026\.12: its values differ from those under which scores were"):
        score_twice.run(world.spark, world.warehouse, params, decide(world.warehouse))
