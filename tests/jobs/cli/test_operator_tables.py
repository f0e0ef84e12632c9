"""`clout coverage`, `clout runs`, `clout rejects`: what somebody on call sees within one screen, and as JSON."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.cli import display, main, operator_commands, operator_queries, operator_tables
from jobs.cli.operator_queries import Request
from jobs.warehouse.runs import Batch, Run, write
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.table import Table
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
BEFORE = DAY - timedelta(days=1)
NOW = datetime(2026, 11, 4, 16, tzinfo=UTC)
OFFICIAL = {"methodology": "2026.11"}
HOSTILE = "\x1b[31mred"


def minutes(count: float) -> datetime:
    return datetime(2026, 11, 4, tzinfo=UTC) + timedelta(minutes=count)


def run(job: str, minute: float, took_s: float | None, status: str = "done", **columns: object) -> dict:
    """A row of `runs`; values of its JSON columns are given as they are."""
    finished = None if took_s is None else minutes(minute) + timedelta(seconds=took_s)
    row = {"run_id": f"{job}{minute}", "job": job, "day": DAY, "status": status, "started_at": minutes(minute)}
    as_stored = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in columns.items()}
    return row | {"finished_at": finished} | as_stored


@pytest.fixture
def night(warehouse: Warehouse, arrow_rows: ArrowRows) -> Warehouse:
    """The night after which somebody asks: gharchive brought 23 hours, jetstream nothing, one run was killed."""
    tables = {
        COVERAGE: [
            {"day": BEFORE, "platform": "bluesky", "source": "jetstream", "act_count": 8000},
            {"day": BEFORE, "platform": "github", "source": "gharchive", "act_count": 1_304_503},
            {"day": DAY, "platform": "github", "source": "gharchive", "act_count": 1_204_503, "rejected_count": 12,
             "status": "partial", "reason": "1 of 24 hours is missing: 17"},
        ],
        RUNS: [
            run("pull_activity", -1440, 75, day=BEFORE, parameters={"source": "jetstream"}, counts={"acts": 8000}),
            run("pull_activity", 1, 75, parameters={"source": "gharchive"}, counts={"acts": 1_204_503}),
            run("pull_activity", 2, 4, "failed", parameters={"source": "jetstream"}, error=f"too many rejects {HOSTILE}"),
            run("influence", 120, 7200, parameters=OFFICIAL, counts={"people": 401_233},
                uncovered_days={"bluesky": [str(DAY)],
                                "github": [str(DAY - timedelta(days=n)) for n in range(179, 20, -1)]}),
            run("checks", 240, 2, parameters=OFFICIAL,
                checks={"contract": "ok", "people_within_bounds": "warning: people 401,233, expected at most 80,000"}),
            run("publish", 241, 3, parameters=OFFICIAL | {"accept": "launch day"}, counts={"people": 401_233}),
            run("influence", 60, None, "started", parameters={"methodology": "2026.12"}),
        ],
        REJECTS: [
            *({"day": DAY, "source": "jetstream", "platform": "bluesky", "file": "frames.jsonl", "line": n,
               "reason": "actor is missing", "excerpt": f"line {n}"} for n in range(1, 1205)),
            {"day": DAY, "source": "gharchive", "platform": "github", "file": "15.json.gz", "line": 31,
             "outcome": "unresolved", "reason": "does not say whom it was about", "excerpt": HOSTILE},
        ],
    }  # fmt: skip
    for table, records in tables.items():
        warehouse.replace(table, arrow_rows(table, records), {}, run_id="r", job="j")
    return warehouse


@pytest.fixture
def clout(
    night: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., str]:
    """`clout("runs", ...)`: what the command prints, 160 columns wide, on the night's warehouse."""
    sources = tmp_path / "sources.yaml"
    sources.write_text("- source: gharchive=\n- source: jetstream=/frames\n  to: 2026-11-03\n")
    monkeypatch.setenv("CLOUT_WAREHOUSE", night.root)
    monkeypatch.setenv("CLOUT_SOURCES", str(sources))

    def ask(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["clout", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        output = capsys.readouterr()
        assert ended.value.code == code
        return output.err if code else output.out

    return ask


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip("─ \n")]


DAYS = ("--first-day", str(BEFORE), "--last-day", str(DAY))


def test_coverage_shows_what_is_partial_and_what_is_missing_and_why(clout: Callable[..., str]) -> None:
    printed = lines(clout("coverage", *DAYS))
    assert printed[0] == "Coverage of 2026-11-02..2026-11-03"
    rows = [" ".join(line.split()) for line in printed[2:]]
    assert rows == [
        "2026-11-02 gharchive github complete 1,304,503 0 0 0",
        "2026-11-02 jetstream bluesky complete 8,000 0 0 0",
        "2026-11-03 gharchive github partial 1,204,503 12 0 0",
        "1 of 24 hours is missing: 17",
        "2026-11-03 jetstream missing",
        "the pull failed: too many rejects �[31mred",
        "1 missing, 1 partial: infra/runbooks/late_or_missing_day.md",
    ]
    faulty = json.loads(clout("coverage", *DAYS, "--faulty", "--json"))
    assert [(row["day"], row["source"], row["status"]) for row in faulty] == [
        ("2026-11-03", "gharchive", "partial"),
        ("2026-11-03", "jetstream", "missing"),
    ]
    one = json.loads(clout("coverage", "--day", str(DAY), "--source", "jetstream", "--json"))
    assert [(row["source"], row["status"], row["act_count"]) for row in one] == [("jetstream", "missing", None)]


def test_a_pulled_day_whose_coverage_was_removed_says_so(warehouse: Warehouse) -> None:
    """As a repair after a power cut leaves it."""
    item = Run(
        "pull_activity", DAY, Batch("test"), {"source": "gharchive"}, started_at=datetime(2026, 11, 4, tzinfo=UTC)
    )
    write(warehouse, [item], "done")
    (row,) = operator_queries.coverage(warehouse, Request(), {"gharchive": [DAY]}, faulty=True)
    assert row["reason"] == "pulled at 2026-11-04 00:00 UTC, but its coverage was removed since; pull it again"


def test_a_night_that_never_began_is_missing(
    night: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No row at all, in a source that the nights pull; days before its `from` are not missed."""
    sources = tmp_path / "sources.yaml"
    sources.write_text("- source: gharchive=\n  from: 2026-11-05\n")
    monkeypatch.setenv("CLOUT_SOURCES", str(sources))
    expected = operator_commands._expected(night, Request(), date(2026, 11, 6))
    assert expected == {"gharchive": [date(2026, 11, 5), date(2026, 11, 6)]}
    rows = operator_queries.coverage(night, Request(source="gharchive"), expected, faulty=True)
    assert [(row["day"], row["status"], row["reason"]) for row in rows[-2:]] == [
        (date(2026, 11, 5), "missing", "no pull was started"),
        (date(2026, 11, 6), "missing", "no pull was started"),
    ]
    sources.write_text("- source: sample\n")  # another warehouse's
    assert operator_commands._expected(night, Request(), date(2026, 11, 6)) == {}


def test_missing_days_in_a_row_are_one_line(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    expected = {"gharchive": [BEFORE, DAY, DAY + timedelta(days=2)]}
    operator_tables.print_coverage(operator_queries.coverage(warehouse, Request(), expected, faulty=False))
    first_words = [line.split()[0] for line in lines(capsys.readouterr().out)[2:]]
    assert first_words == ["2026-11-02..2026-11-03", "no", "2026-11-05", "no", "3"]


def test_runs_show_what_happened_and_beneath_each_why(
    clout: Callable[..., str], night: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    operator_tables.print_runs(operator_queries.runs(night, Request(first_day=DAY, last_day=DAY)), NOW)
    printed = lines(capsys.readouterr().out)
    assert printed[0] == "Runs of 2026-11-03, times in UTC"
    assert [" ".join(line.split()) for line in printed[2:]] == [
        "2026-11-03 pull_activity done 11-04 00:01 1 min gharchive 1,204,503 acts",
        "partial: 1 of 24 hours is missing: 17",
        "2026-11-03 pull_activity failed 11-04 00:02 4 s jetstream",
        "error: too many rejects �[31mred",
        "2026-11-03 influence started 11-04 01:00 2026.12",
        "partial source gharchive: 1 of 24 hours is missing: 17",
        "no end was recorded: probably killed",
        "2026-11-03 influence done 11-04 02:00 2.0 h 2026.11 401,233 people",
        "partial source gharchive: 1 of 24 hours is missing: 17",
        "not covered: bluesky 2026-11-03",  # github began within the window, which is no outage
        "2026-11-03 checks done 11-04 04:00 2 s 2026.11",
        "people_within_bounds: warning: people 401,233, expected at most 80,000",
        "2026-11-03 publish done 11-04 04:01 3 s 2026.11 401,233 people",
        "partial source gharchive: 1 of 24 hours is missing: 17",
        "accepted: launch day",
    ]


@pytest.mark.parametrize(
    ("options", "jobs"),
    [
        ((), ["pull_activity", "pull_activity", "pull_activity", "influence", "influence", "checks", "publish"]),
        (("--failed",), ["pull_activity", "influence"]),
        (("--source", "jetstream"), ["pull_activity", "pull_activity"]),
        (("--job", "checks"), ["checks"]),
        (("--day", str(BEFORE)), ["pull_activity"]),
        (("--last-day", str(BEFORE)), ["pull_activity"]),
        (("--day", "2026-11-09"), []),
    ],
)
def test_runs_are_chosen_by_day_job_source_and_end(
    clout: Callable[..., str], options: tuple[str, ...], jobs: list[str]
) -> None:
    rows = json.loads(clout("runs", *options, "--json"))
    assert [row["job"] for row in rows] == jobs
    assert all(isinstance(row["parameters"], dict) for row in rows)


def test_nothing_that_was_asked_for_is_a_sentence(clout: Callable[..., str]) -> None:
    assert clout("runs", "--day", "2026-11-09") == "`runs` has no row for this request\n"
    assert clout("rejects", "--day", "2026-11-09") == "`rejects` has no row for this request\n"
    assert clout("coverage", "--day", "2026-11-09", "--source", "x") == "`coverage` has no row for this request\n"


def test_rejects_are_reasons_with_their_first_line_or_the_lines(clout: Callable[..., str]) -> None:
    assert lines(clout("rejects"))[2:] == [
        "2026-11-03  jetstream  rejected    1,204",
        "    actor is missing",
        "    frames.jsonl:1  line 1",
        "2026-11-03  gharchive  unresolved      1",
        "    does not say whom it was about",
        "    15.json.gz:31  �[31mred",
        "excerpts are what people wrote: do not copy them into tickets",
    ]
    found = json.loads(clout("rejects", "--outcome", "rejected", "--lines", "--top", "2", "--json"))
    assert [(row["file"], row["line"], row["excerpt"]) for row in found] == [
        ("frames.jsonl", 1, "line 1"),
        ("frames.jsonl", 2, "line 2"),
    ]
    assert [row["line_count"] for row in json.loads(clout("rejects", "--source", "gharchive", "--json"))] == [1]
    assert lines(clout("rejects", "--lines", "--top", "1"))[3:5] == [
        "    does not say whom it was about",
        "    15.json.gz:31  �[31mred",
    ]


@pytest.mark.parametrize("command", ["coverage", "runs", "rejects"])
def test_contradicting_days_are_wrong_use(clout: Callable[..., str], command: str) -> None:
    assert clout(command, "--day", str(DAY), *DAYS, code=2) == (
        "clout: --day and --first-day or --last-day exclude each other\n"
    )
    descending = ("--first-day", str(DAY), "--last-day", str(BEFORE))
    assert (
        clout(command, *descending, code=2)
        == "clout: days must ascend: --first-day 2026-11-03, --last-day 2026-11-02\n"
    )


def test_the_newest_days_alone_are_read(night: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten years of nights: only the partitions of the asked days are opened."""
    asked = []
    read = Warehouse.read

    def noted(self: Warehouse, table: Table, partition: dict, **options: Any) -> pa.Table:
        asked.append(partition)
        return read(self, table, partition, **options)

    days = [DAY - timedelta(days=n) for n in range(3650)]
    monkeypatch.setattr(Warehouse, "read", noted)
    monkeypatch.setattr(Warehouse, "partitions", lambda *_: [{"day": str(day)} for day in days])
    operator_queries.runs(night, Request())
    operator_queries.coverage(night, Request(), {}, faulty=False)
    assert {day for partition in asked for day in partition["day"]} == set(days[:7])


@pytest.mark.parametrize("columns", [40, 80, 160])
def test_no_line_of_a_table_is_wider_than_the_terminal(
    night: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setattr(display.out, "width", columns)
    operator_tables.print_runs(operator_queries.runs(night, Request()), NOW)
    printed = capsys.readouterr().out.splitlines()
    table = printed[1 : printed.index("")]
    assert max(map(len, table)) <= columns
    assert table[0].split()[:3] == ["day", "job", "status"]
