"""Late and partial data come round: pulled again, stale days scored again and restated, older ones listed with the command."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jobs import repair
from jobs.cli import main
from jobs.nights import staleness
from jobs.nights.staleness import Stale, changed_days, ranges
from jobs.sources.spec import SourceSpec, parse_specs
from jobs.warehouse import publications
from jobs.warehouse.storage import Warehouse, rows
from schemas.coverage import COVERAGE
from schemas.restatements import RESTATEMENTS
from schemas.scores import SCORES
from tests.grounds import REASON

FIRST = date(2026, 11, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(12)]
NOW = datetime(2026, 11, 4, 11, tzinfo=UTC)
A, B = (SourceSpec(id, "higgs", ("x",)) for id in "ab")


# What to pull, and what is stale: pure


def test_partial_and_missing_days_of_sources_that_have_them_are_pulled_again_newest_first() -> None:
    coverage = [
        {"day": DAYS[0], "source": "a", "status": "partial", "lasting": False},
        {"day": DAYS[0], "source": "b", "status": "complete", "lasting": None},
        {"day": DAYS[1], "source": "a", "status": "complete", "lasting": None},
        {"day": DAYS[1], "source": "a", "status": "partial", "lasting": None},  # another platform of the source
        {"day": DAYS[2], "source": "a", "status": "partial", "lasting": True},  # what is missing will never come
        {"day": DAYS[2], "source": "gone", "status": "partial", "lasting": False},  # no longer enabled
    ]
    sources = {DAYS[0]: (A, B), DAYS[1]: (A, B), DAYS[2]: (A,)}
    assert repair.to_pull(coverage, sources, NOW) == [(DAYS[1], A), (DAYS[1], B), (DAYS[0], A)]
    assert repair.to_pull([], {DAYS[0]: ()}, NOW) == []


def test_a_platform_is_not_asked_about_days_that_it_no_longer_answers_about() -> None:
    bluesky, hackernews = parse_specs(["bluesky=", "hackernews="])
    sources = dict.fromkeys(DAYS[:3], (bluesky, hackernews, A))
    of_bluesky = [day for day, spec in repair.to_pull([], sources, NOW) if spec == bluesky]
    assert of_bluesky == [DAYS[2], DAYS[1]]  # Jetstream replays 36 hours
    assert [day for day, spec in repair.to_pull([], sources, NOW) if spec == hackernews] == DAYS[2::-1]


def test_a_day_is_stale_by_content_that_changed_came_or_went_within_its_window() -> None:
    then = {str(DAYS[1]): "one", str(DAYS[2]): "two", str(DAYS[3]): "three"}
    now = {DAYS[0]: "outside", DAYS[1]: "one", DAYS[2]: "another", DAYS[4]: "came", DAYS[5]: "later"}
    assert changed_days(then, now, DAYS[1], DAYS[4]) == [DAYS[2], DAYS[3], DAYS[4]]
    assert changed_days(then, {DAYS[n]: then[str(DAYS[n])] for n in (1, 2, 3)}, DAYS[1], DAYS[4]) == []


def test_stale_days_in_a_row_are_one_range_for_each_methodology() -> None:
    stale = [Stale(DAYS[n], version, ()) for n, version in ((0, "a"), (1, "a"), (3, "a"), (1, "b"), (2, "b"))]
    days = [[(each.methodology, DAYS.index(each.day)) for each in span] for span in ranges(stale)]
    assert days == [[("a", 3)], [("b", 1), ("b", 2)], [("a", 0), ("a", 1)]]


# The whole of it, without Spark


ACTS = [("ana", "bo"), ("cy", "bo"), ("bo", "cy")]


class Nights:
    """A source of one file a day, which the nights pull, score and repair by the commands that a DAG runs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "toots"
        self.folder.mkdir()
        self.warehouse = Warehouse(str(folder / "warehouse"))
        monkeypatch.setenv("CLOUT_WAREHOUSE", self.warehouse.root)
        (folder / "sources.yaml").write_text(f"- source: toots:activitystreams={self.folder}\n  from: {DAYS[0]}\n")
        monkeypatch.setenv("CLOUT_SOURCES", str(folder / "sources.yaml"))
        self.settings = folder / "nights.yaml"
        self.settings.write_text("repair_days: 3\nrescore_days: 2\n")
        monkeypatch.setenv("CLOUT_NIGHTS", str(self.settings))

    def write(self, day: date, acts: Sequence[tuple[str, str]]) -> None:
        lines = [
            json.dumps({"type": "Like", "actor": src, "published": f"{day}T09:00:00Z",
                        "object": {"id": f"{dst}-{day}", "attributedTo": dst}})
            for src, dst in acts
        ]  # fmt: skip
        (self.folder / f"{day}.jsonl").write_text("\n".join(lines))

    def set_partial(self, day: date) -> None:
        (row,) = self.warehouse.read(COVERAGE, {"day": day}).to_pylist()
        partial = rows(COVERAGE, [row | {"status": "partial", "reason": "hour 23 is missing"}])
        self.warehouse.replace(COVERAGE, partial, {"day": day}, run_id="r", job="j")

    def run(self, *command: object) -> None:
        main.app([str(word) for word in command], standalone_mode=False)

    def status(self) -> dict[int, str]:
        rows = self.warehouse.read(COVERAGE).to_pylist()
        return {DAYS.index(row["day"]): row["status"] for row in sorted(rows, key=lambda row: row["day"])}

    def stale(self) -> list[int]:
        return [DAYS.index(each.day) for each in staleness.find(self.warehouse, DAYS[0], DAYS[-1])]


@pytest.mark.system
def test_a_night_with_partial_data_is_repaired_and_what_is_older_is_listed_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nights = Nights(tmp_path, monkeypatch)
    for day in DAYS[:4]:
        nights.write(day, ACTS)
    source = f"toots:activitystreams={nights.folder}"
    nights.run("run", "--source", source, "--first-day", DAYS[0], "--last-day", DAYS[3], "--everybody", REASON)
    nights.set_partial(DAYS[1])
    nights.run("repair", "--day", DAYS[3])
    assert "1 days pulled, 0 scored again" in capsys.readouterr().out  # it was all there: no score changes
    before = nights.warehouse.read(SCORES, {"day": DAYS[3]}).to_pylist()

    # The rest of the day arrives: one night repairs it, and the scores within its reach, newest first.
    nights.set_partial(DAYS[1])
    nights.write(DAYS[1], [*ACTS, ("dee", "ana")])
    nights.run("repair", "--day", DAYS[3])
    said = capsys.readouterr().out
    assert set(nights.status().values()) == {"complete"}
    assert [line.split()[1] for line in said.splitlines() if line.startswith("scored ")] == [
        str(DAYS[n]) for n in (3, 2)
    ]
    assert "1 days pulled, 2 scored again" in said
    assert nights.warehouse.read(SCORES, {"day": DAYS[3]}).to_pylist() != before
    restated = nights.warehouse.read(RESTATEMENTS).to_pylist()
    assert sorted(row["day"] for row in restated) == DAYS[2:4]
    assert json.loads(restated[0]["why"])["activity_days"] == [str(DAYS[1])]

    # What is older is listed, with the command, and that command fixes it.
    assert nights.stale() == [1]
    nights.run("stale", "--json")
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["first_day"], row["why"]) == (str(DAYS[1]), f"activity or coverage of {DAYS[1]} changed")
    nights.run("stale")
    assert row["command"] in " ".join(capsys.readouterr().out.split())
    nights.run(*row["command"].split()[1:])
    assert "1 days scored again" in capsys.readouterr().out
    assert nights.stale() == []
    nights.run("stale")
    assert capsys.readouterr().out == "no published day is stale\n"
    nights.run("repair", "--day", DAYS[3])
    assert capsys.readouterr().out == "0 days pulled, 0 scored again\n"

    # A night without the source's day is published once the day is there, and one pull that fails stops no other.
    nights.write(DAYS[5], ACTS)
    nights.run("repair", "--day", DAYS[5])
    assert "2 days pulled" in capsys.readouterr().out
    assert publications.current(nights.warehouse, "2026.11", DAYS[5]) is not None
