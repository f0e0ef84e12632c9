"""What the commands print and do."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jobs import session
from jobs.places import ROOT
from jobs.warehouse import runs
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import activity_digests
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.grounds import LABEL
from tests.jobs.cli.result import Result, RunClout

DAY = date(2026, 11, 3)
NOON = 1_793_707_200  # of this day


def test_show_is_the_newest_day_a_day_or_a_person_as_table_json_or_csv(clout: RunClout, published: None) -> None:
    newest = clout("show", "--top", "1")
    assert (newest.code, newest.err) == (0, "")
    assert newest.out.startswith("Highest scores of 2026-11-04, methodology 2026.11\n")
    assert clout("show", "--top", "9", "--day", "2026-11-03").out.startswith("Highest scores of 2026-11-03")
    history = json.loads(clout("show", "twitter:1", "--json").out)
    assert [(row["day"], row["influence"]) for row in history] == [("2026-11-03", 2.0), ("2026-11-04", 3.0)]
    rows = list(
        csv.DictReader(io.StringIO(clout("show", "--top", "9", "--csv", "--day", "2026-11-03").out, newline=""))
    )
    assert [row["person_id"] for row in rows] == ["twitter:1", "twitter:2", "twitter:\x9b31m3"]


def test_show_of_a_person_and_a_day_is_that_day(clout: RunClout, published: None) -> None:
    rows = json.loads(clout("show", "twitter:1", "--day", "2026-11-04", "--json").out)
    assert [(row["day"], row["influence"]) for row in rows] == [("2026-11-04", 3.0)]
    assert clout("show", "ana", "--day", "2026-11-09") == Result(
        1,
        "",
        "clout: scores 2026-11-09 (the official methodology): ana has no score; `clout show ana` lists the days with one\n",
    )


def test_a_day_whose_acts_have_expired_is_not_counted_again(
    clout: RunClout, warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "build", lambda rows: None)  # nothing is counted, so no JVM is needed
    covered = arrow_rows(COVERAGE, [{"act_count": 1, "activity_digest": "like", "pull": "gone"}])
    warehouse.replace(COVERAGE, covered, {}, run_id="r", job="j")
    digest = activity_digests(warehouse, DAY, DAY)[DAY]
    runs.write(warehouse, [Run(runs.ENGAGEMENT, DAY, Batch("b"), {"activity_digest": digest})], runs.DONE)
    kept = f"{DAY} keeps its earlier count: its acts have expired (`keep_activity_days`)\n"
    assert clout("engagement", "--day", str(DAY)) == Result(0, f"counted 0 days: none\n{kept}", "")


def test_a_day_is_published_withdrawn_and_brought_back(
    clout: RunClout, warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    rows = arrow_rows(INFLUENCE, [{"person_id": f"twitter:{n}"} for n in range(3)])
    warehouse.replace(INFLUENCE, rows, {"methodology": "2026.11", "day": DAY}, run_id="r", job="influence")
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{}]), {}, run_id="r", job="j")
    day = ("--day", str(DAY))
    internal = f"3 people\n{LABEL}\n"
    assert clout("checks", *day) == Result(0, "checked 2026-11-03: 10 checks passed; next: `clout publish`\n", "")
    for command, done in (("publish", "published"), ("unpublish", "withdrew"), ("restore", "restored")):
        assert clout(command, *day) == Result(0, f"{done} 2026-11-03 (2026.11): {internal}", "")
        assert warehouse.row_count(SCORES, {}) == (0 if command == "unpublish" else 3)


def test_changes_of_published_days_are_listed_newest_first(
    clout: RunClout, warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    assert clout("restatements") == Result(0, "no published day was changed\n", "")
    for number in range(2):
        at = datetime(2026, 11, 9, number, tzinfo=UTC)
        row = {"day": DAY + timedelta(days=number), "run_id": f"run{number}", "restated_at": at,
               "people_before": 1200, "people_after": 1201, "people_arrived": 2, "people_gone": 1, "people_moved": 7,
               "largest_rise": 3.25, "largest_fall": 1.5, "mean_absolute_move": 0.5,
               "why": '{"change": "withdrawn"}'}  # fmt: skip
        warehouse.replace(RESTATEMENTS, arrow_rows(RESTATEMENTS, [row]), {"day": row["day"]}, run_id="r", job="j")
    result = clout("restatements")
    assert (result.code, result.err) == (0, "")
    newer = (
        "2026-11-04 (2026.11)  2026-11-09 01:00 UTC  run run1\n"
        "    withdrawn\n"
        "    1,200 -> 1,201 people: 2 arrived, 1 gone, 7 moved by 0.50 points on average, at most +3.25 and -1.50\n"
    )
    assert result.out.startswith(newer)
    older = clout("restatements", "--day", "2026-11-03").out
    assert (result.out, older[:10]) == (newer + older, "2026-11-03")
    (row,) = json.loads(clout("restatements", "--day", "2026-11-03", "--json").out)
    assert (row["run_id"], row["people_moved"], row["why"]) == ("run0", 7, '{"change": "withdrawn"}')
    assert clout("restatements", "--methodology", "2026.12").out == "no published day was changed\n"


def test_a_day_is_exported(clout: RunClout, published: None, tmp_path: Path) -> None:
    result = clout("export", "--to", str(tmp_path / "day.csv"))
    expected = f"{tmp_path / 'day.csv'}: 3 people of 2026-11-04\n{LABEL}\n"
    assert result == Result(0, expected, "")


def test_a_pull_prints_a_line_a_day_and_what_became_of_the_lines(
    clout: RunClout, warehouse: Warehouse, tmp_path: Path
) -> None:
    good, bad, empty = tmp_path / "good.txt", tmp_path / "bad.txt", tmp_path / "empty.txt"
    good.write_text(f"1 2 {NOON} RT\n3 2 {NOON} RT\n" + "what\n")
    bad.write_text("what\n")
    empty.write_text("")
    result = clout(
        *("pull", "--day", "2026-11-03", "--max-reject-share", "0.5"),
        *("--source", f"a:higgs={good}", "--source", f"b:higgs={empty}"),
    )
    assert (result.code, result.err) == (0, "")  # no progress where nobody looks
    first, second = result.out.splitlines()
    assert first.startswith("pulled  2026-11-03           2 acts    a ")
    assert first.endswith(" s  (1 rejected)")
    assert second.endswith(" s  warning: empty.txt is empty")
    result = clout("pull", "--day", "2026-11-03", "--source", f"a:higgs={bad}")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(
        "clout: a 2026-11-03..2026-11-03: 1 of 1 lines rejected, expected at most 5%; commonest: "
    )
    assert warehouse.row_count(COVERAGE, {}) == 2


def test_a_dry_run_says_which_days_and_partitions_and_does_nothing(
    clout: RunClout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nowhere, file = tmp_path / "nowhere", tmp_path / "acts.txt"
    file.write_text("")
    monkeypatch.setenv("CLOUT_WAREHOUSE", str(nowhere))
    result = clout(
        *(
            "run",
            "--dry-run",
            "--everybody",
            "a test",
            "--first-day",
            "2026-09-01",
            "--last-day",
            "2026-09-30",
            "--score-from",
            "2026-09-30",
        ),
        *("--source", f"a:higgs={file}", "--source", f"mastodon:activitystreams={ROOT / 'pyproject.toml'}"),
    )
    assert result == Result(
        0,
        f"""warehouse {nowhere} (would be created)
read    higgs {file}
replace rejects, accounts, activity, coverage:
          day=2026-09-01..2026-09-30 source=a
          platform=twitter
read    activitystreams {ROOT / "pyproject.toml"}
replace rejects, accounts, activity, coverage:
          day=2026-09-01..2026-09-30 source=mastodon
          platform=mastodon
read    activity: day=2026-09-01..2026-09-30
replace engagement: day=2026-09-01..2026-09-30
read    engagement, coverage, accounts: the 180 days up to each scored one,
          day=2026-04-04..2026-09-30
replace influence, scores: methodology=2026.11 day=2026-09-30
nothing was done (--dry-run)
""",
        "",
    )
    assert not nowhere.exists()


def test_without_a_source_the_simulation_has_30_days_of_which_the_last_seven_are_scored(
    clout: RunClout, warehouse: Warehouse
) -> None:
    result = clout("run", "--dry-run", "--last-day", "2026-09-30", "--source", "sample=people=50")
    assert "day=2026-09-01..2026-09-30 source=sample" in result.out
    assert "replace influence, scores: methodology=2026.11 day=2026-09-24..2026-09-30" in result.out
    assert warehouse.row_count(RUNS, {}) == 0


def test_a_dry_run_refuses_what_the_run_would_refuse(
    clout: RunClout, warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    warehouse.replace(ACTIVITY, arrow_rows(ACTIVITY, [{"platform": "twitter"}]), {}, run_id="r", job="j")
    result = clout("run", "--dry-run")
    assert (result.code, result.out) == (2, "")
    assert result.err.endswith(
        "holds real people, and the two are never mixed; set CLOUT_WAREHOUSE to another folder\n"
    )
