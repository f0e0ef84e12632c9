"""The command line: what a newcomer reads, exit codes (0 done, 1 failed, 2 wrong use), and no traceback for a mistake."""

import csv
import io
import json
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from jobs import interrupts, session
from jobs.cli import main, queries
from jobs.places import ROOT
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.scores import SCORES

DAY = date(2026, 11, 3)
NOON = 1_793_707_200  # of this day
COMMANDS = {command.name or command.callback.__name__: command.callback for command in main.app.registered_commands}


class Told(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def clout(warehouse, monkeypatch, capsys) -> Iterator[Callable[..., Told]]:
    """`clout("show", "--day", ...)`: runs the command in this process, on the test's warehouse."""
    monkeypatch.setenv("CLOUT_WAREHOUSE", warehouse.root)
    monkeypatch.setenv("COLUMNS", "80")
    level = logging.getLogger("jobs").level

    def run(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["clout", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        return Told(ended.value.code, *capsys.readouterr())

    yield run
    logging.getLogger("jobs").setLevel(level)


@pytest.fixture
def published(warehouse, arrow_rows):
    """Two days; two of their people share a handle, one is hostile."""
    for number in range(2):
        day = DAY + timedelta(days=number)
        people = [
            {
                "person_id": "twitter:1",
                "handle": "ana",
                "rank": 1,
                "influence": 2.0 + number,
                "direct": 2.0,
                "score": 30.0,
            },
            {"person_id": "twitter:2", "handle": "bo", "rank": 2},
            {"person_id": "twitter:\x9b31m3", "handle": "bo", "rank": 3},
        ]
        rows = arrow_rows(SCORES, [person | {"day": day} for person in people])
        warehouse.replace(SCORES, rows, {"methodology": "2026.11", "day": day}, run_id="r", job="publish")


# Help


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_says_what_a_command_does_and_what_each_option_means(clout, command):
    told = clout(*([command] if command else []), "--help")
    assert (told.code, told.err) == (0, "")
    text = " ".join(told.out.replace("│", " ").split())
    assert text.startswith(f"Usage: clout {command or '[OPTIONS] COMMAND'}")
    if command:
        doc = COMMANDS[command].__doc__
        assert " ".join(doc.splitlines()[0].split()) in text
        assert "--verbose -v Log every step, and show tracebacks." in text
    else:
        assert "Begin with `clout run`: without arguments it pulls 30 simulated days and scores the last seven." in text
        assert all(f" {name} " in text for name in COMMANDS)
    assert max(map(len, told.out.splitlines())) <= 80
    assert "<bool>" not in text


def test_without_a_command_there_is_the_help(clout):
    told = clout()
    assert told.code == 2
    assert "Begin with `clout run`" in told.out + told.err


# Mistakes


RANGE = ("--first-day", "2026-11-03", "--last-day", "2026-11-04")
WRONG = {
    "an unknown command": (("rum",), "No such command 'rum'."),
    "an unknown option": (("run", "--dryrun"), "No such option: --dryrun"),
    "no day": (("publish",), "Missing option '--day'."),
    "a day that is none": (("show", "--day", "2026-02-30"), "'2026-02-30' does not match the formats '%Y-%m-%d'."),
    "a share above 1": (("run", "--max-reject-share", "5"), "Input should be less than or equal to 1"),
    "no people": (("show", "--top", "0"), "Input should be greater than or equal to 1"),
    "two forms": (("show", "--json", "--csv"), "clout: --json and --csv exclude each other"),
    "an unknown type": (
        ("run", "--source", "mastodon=x", *RANGE),
        "clout: --source mastodon=x: unknown type 'mastodon'; use [ID:]TYPE=WHERE with one of higgs,",
    ),
    "no place": (("run", "--source", "higgs", *RANGE), "clout: --source higgs: say where it is, as higgs=PATH"),
    "a missing file": (
        ("run", "--source", "higgs=/nowhere.txt", *RANGE),
        "clout: /nowhere.txt: no such file; give the path of a file or folder that exists",
    ),
    "a missing file of a pull": (
        ("pull", "--day", "2026-11-03", "--source", "higgs=/nowhere.txt"),
        "clout: /nowhere.txt: no such file; give the path of a file or folder that exists",
    ),
    "no range": (
        ("run", "--source", "higgs=/nowhere.txt"),
        "clout: say which days, as --first-day 2012-07-01 --last-day 2012-07-07",
    ),
    "days that descend": (
        ("run", "--first-day", "2026-11-04", "--last-day", "2026-11-03"),
        "clout: days must ascend: --first-day 2026-11-04, --score-from 2026-11-04, --last-day 2026-11-03",
    ),
    "real and simulated": (
        ("run", "--source", "sample", "--source", "higgs=/nowhere.txt", *RANGE),
        "clout: the simulation and real platforms are never mixed; give one or the other",
    ),
    "an unknown methodology": (
        ("checks", "--day", "2026-11-03", "--methodology", "1999.01"),
        "clout: methodology '1999.01' is unknown; there is 2026.11, 2026.12",
    ),
    "a day before all methodologies": (
        ("show", "--day", "1999-12-31"),
        "clout: no methodology is official on 1999-12-31; see schemas/methodologies/in_force.yaml",
    ),
    "nothing to compare": (
        ("compare", "--day", "2026-11-03"),
        "Missing option '--methodology'.",
    ),
    "a comparison with itself": (
        ("compare", "--day", "2026-11-03", "--methodology", "2026.11"),
        "clout: methodology 2026.11: cannot be compared with itself; name another one",
    ),
    "a handle of several": (
        ("show", "bo"),
        "clout: 'bo' is the handle of several people: twitter:2, twitter:�31m3; give one person_id",
    ),
    "a file of another kind": (
        ("export", "--to", "x.xlsx"),
        "clout: x.xlsx: the name must end in .parquet or .csv",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_wrong_use_is_told_in_words_with_exit_code_2(clout, warehouse, published, mistake):
    arguments, message = WRONG[mistake]
    told = clout(*arguments)
    assert (told.code, told.out) == (2, "")
    if message.startswith("clout: "):
        assert told.err.startswith(message)
        assert told.err.count("\n") == 1
    else:
        assert message in " ".join(told.err.replace("│", " ").split())
    assert "Traceback" not in told.err
    assert warehouse.row_count(RUNS, {}) == 0


SCORING = {
    "run": ("run", "--source", "sample=people=50", "--last-day", "2026-11-03"),
    "influence": ("influence", "--day", "2026-11-03"),
    "compare": ("compare", "--day", "2026-11-03", "--methodology", "2026.12"),
}
NOT_HERE = {
    "pregel": "clout: engine 'pregel' is unknown; there is auto, memory, spark, graphframes\n",
    "graphframes": "clout: engine graphframes: its JVM package io.graphframes:graphframes-spark4_2.13:0.12.2 is not here; name"
    " its jars by CLOUT_GRAPHFRAMES_JARS, with commas, or let set-up try again: rm '{environment}/.clout/graphframes.stamp' &&"
    " bash infra/setup.sh (engine spark gives the same bits without it)\n",
}


@pytest.mark.parametrize("engine", NOT_HERE)
@pytest.mark.parametrize("command", SCORING)
def test_an_engine_that_is_not_here_is_told_before_any_work(clout, warehouse, monkeypatch, tmp_path, command, engine):
    """No session is asked for, and with it no JVM; nothing is written."""
    monkeypatch.delenv("CLOUT_GRAPHFRAMES_JARS", raising=False)
    monkeypatch.setattr(session, "environment_folder", lambda: tmp_path)
    monkeypatch.setattr(session, "build", lambda *_: pytest.fail("a session was asked for"))
    before = sorted(Path(warehouse.root).rglob("*"))
    told = clout(*SCORING[command], "--engine", engine)
    assert told == Told(2, "", NOT_HERE[engine].format(environment=tmp_path))
    assert warehouse.row_count(RUNS, {}) == 0
    assert sorted(Path(warehouse.root).rglob("*")) == before


FAILED = {
    "a day that is not published": (
        ("show", "--day", "2026-11-09"),
        "clout: scores 2026-11-09 (2026.11): not published; the newest published day is 2026-11-04\n",
    ),
    "nobody": (
        ("show", "\x1b[31mzoe"),
        "clout: scores: nobody published is '\\x1b[31mzoe'; give a person_id such as `twitter:88`, or a handle\n",
    ),
    "nothing to withdraw": (
        ("unpublish", "--day", "2026-11-09"),
        "clout: scores 2026-11-09 (2026.11): not published, so there is nothing to withdraw\n",
    ),
    "nothing to bring back": (
        ("restore", "--day", "2026-11-09"),
        "clout: scores 2026-11-09 (2026.11): never published, so there is nothing to bring back\n",
    ),
    "not checked": (
        ("publish", "--day", "2026-11-09"),
        "clout: influence 2026-11-09 (2026.11): not checked as it is now; nothing published. Run `clout checks"
        " --day 2026-11-09`\n",
    ),
}


@pytest.mark.parametrize("failure", FAILED)
def test_a_failure_is_one_line_with_exit_code_1(clout, published, failure):
    arguments, message = FAILED[failure]
    assert clout(*arguments) == Told(1, "", message)


def test_a_failed_check_is_told_whole(clout, warehouse, arrow_rows):
    rows = arrow_rows(INFLUENCE, [{"direct": 1.0}])
    warehouse.replace(INFLUENCE, rows, {"methodology": "2026.11", "day": DAY}, run_id="r", job="influence")
    assert clout("checks", "--day", str(DAY)) == Told(
        3,
        "",
        "clout: influence 2026-11-03 (2026.11): parts_sum: 1 people whose parts do not sum to influence, expected 0;"
        " coverage_present: coverage 2026-11-03: 0 rows, expected one for each platform pulled; nothing published, what was"
        " published before stays\n",
    )


def test_where_no_warehouse_is_there_is_advice(clout, monkeypatch, tmp_path):
    nowhere, file = tmp_path / "nowhere", tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("CLOUT_WAREHOUSE", str(nowhere))
    message = f"clout: {nowhere}: no warehouse here yet; run `clout run` first, or set CLOUT_WAREHOUSE\n"
    assert clout("show") == Told(2, "", message)
    assert not nowhere.exists()
    monkeypatch.setenv("CLOUT_WAREHOUSE", str(file))
    assert clout("pull", "--day", "2026-11-03").code == 2


def test_a_warehouse_that_cannot_be_read_is_a_failure(clout, warehouse):
    (Path(warehouse.path(SCORES)) / "_delta_log" / "00000000000000000000.json").write_text("no JSON")
    told = clout("show")
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith(f"clout: {warehouse.path(SCORES)}: cannot be read as a Delta table (")
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (ValueError("what is this\nat line 2"), "clout: ValueError: what is this (`--verbose` shows more)\n"),
        (ValueError(), "clout: ValueError (`--verbose` shows more)\n"),
    ],
)
def test_what_nobody_expected_is_one_line_and_a_traceback_under_verbose(clout, published, monkeypatch, raised, message):
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(queries, "newest_day", fail)
    assert clout("show") == Told(1, "", message)
    for arguments in (("show", "--verbose"), ("-v", "show")):
        told = clout(*arguments)
        assert told.code == 1
        assert told.err.endswith(message)


@pytest.mark.parametrize("becomes", [KeyboardInterrupt, RuntimeError, OSError, SystemExit])
def test_an_interrupt_is_one_line_whatever_a_library_makes_of_it(clout, published, monkeypatch, becomes):
    def interrupted(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise becomes from error

    monkeypatch.setattr(interrupts, "_descendants", list)
    monkeypatch.setattr(queries, "newest_day", interrupted)
    assert clout("show") == Told(1, "", "clout: interrupted\n")


def test_verbose_shows_a_traceback(clout, published, monkeypatch, caplog):
    monkeypatch.setattr(queries, "newest_day", lambda *_: 1 / 0)
    clout("show")
    assert caplog.text == ""
    clout("show", "-v")
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("arguments", [("-v", "show"), ("show", "-v")])
def test_verbose_may_stand_before_the_command_or_after_it(clout, arguments):
    clout(*arguments)
    assert logging.getLogger("jobs").level == logging.DEBUG
    clout("show")
    assert logging.getLogger("jobs").level == logging.WARNING


# What the commands say and do


def test_show_is_the_newest_day_a_day_or_a_person_as_table_json_or_csv(clout, published):
    newest = clout("show", "--top", "1")
    assert (newest.code, newest.err) == (0, "")
    assert newest.out.startswith("Highest scores of 2026-11-04, methodology 2026.11\n")
    assert clout("show", "--day", "2026-11-03").out.startswith("Highest scores of 2026-11-03")
    history = json.loads(clout("show", "twitter:1", "--json").out)
    assert [(row["day"], row["influence"]) for row in history] == [("2026-11-03", 2.0), ("2026-11-04", 3.0)]
    rows = list(csv.DictReader(io.StringIO(clout("show", "--csv", "--day", "2026-11-03").out, newline="")))
    assert [row["person_id"] for row in rows] == ["twitter:1", "twitter:2", "twitter:\x9b31m3"]


def test_show_of_a_person_and_a_day_is_that_day(clout, published):
    rows = json.loads(clout("show", "twitter:1", "--day", "2026-11-04", "--json").out)
    assert [(row["day"], row["influence"]) for row in rows] == [("2026-11-04", 3.0)]
    assert clout("show", "ana", "--day", "2026-11-09") == Told(
        1,
        "",
        "clout: scores 2026-11-09 (the official methodology): ana is not in it; `clout show ana` lists the days that are\n",
    )


def test_a_day_is_published_withdrawn_and_brought_back(clout, warehouse, arrow_rows):
    rows = arrow_rows(INFLUENCE, [{"person_id": f"twitter:{n}"} for n in range(3)])
    warehouse.replace(INFLUENCE, rows, {"methodology": "2026.11", "day": DAY}, run_id="r", job="influence")
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{}]), {}, run_id="r", job="j")
    day = ("--day", str(DAY))
    internal = "3 people; consent is not applied: internal use only\n"
    assert clout("checks", *day) == Told(0, "checked 2026-11-03: 10 checks passed; next: `clout publish`\n", "")
    for command, done in (("publish", "published"), ("unpublish", "withdrew"), ("restore", "brought back")):
        assert clout(command, *day) == Told(0, f"{done} 2026-11-03 (2026.11): {internal}", "")
        assert warehouse.row_count(SCORES, {}) == (0 if command == "unpublish" else 3)


def test_changes_of_published_days_are_listed_newest_first(clout, warehouse, arrow_rows):
    assert clout("restatements") == Told(0, "no published day was changed\n", "")
    for number in range(2):
        at = datetime(2026, 11, 9, number, tzinfo=UTC)
        row = {"day": DAY + timedelta(days=number), "run_id": f"run{number}", "restated_at": at,
               "people_before": 1200, "people_after": 1201, "people_arrived": 2, "people_gone": 1, "people_moved": 7,
               "largest_rise": 3.25, "largest_fall": 1.5, "mean_absolute_move": 0.5,
               "why": '{"change": "withdrawn"}'}  # fmt: skip
        warehouse.replace(RESTATEMENTS, arrow_rows(RESTATEMENTS, [row]), {"day": row["day"]}, run_id="r", job="j")
    told = clout("restatements")
    assert (told.code, told.err) == (0, "")
    newer = (
        "2026-11-04 (2026.11)  2026-11-09 01:00 UTC  run run1\n"
        "    withdrawn\n"
        "    1,200 -> 1,201 people: 2 arrived, 1 gone, 7 moved by 0.50 points on average, at most +3.25 and -1.50\n"
    )
    assert told.out.startswith(newer)
    older = clout("restatements", "--day", "2026-11-03").out
    assert (told.out, older[:10]) == (newer + older, "2026-11-03")
    (row,) = json.loads(clout("restatements", "--day", "2026-11-03", "--json").out)
    assert (row["run_id"], row["people_moved"], row["why"]) == ("run0", 7, '{"change": "withdrawn"}')
    assert clout("restatements", "--methodology", "2026.12").out == "no published day was changed\n"


def test_a_day_is_exported(clout, published, tmp_path):
    told = clout("export", "--to", str(tmp_path / "day.csv"))
    expected = f"{tmp_path / 'day.csv'}: 3 people of 2026-11-04; consent is not applied: internal use only\n"
    assert told == Told(0, expected, "")


def test_a_pull_tells_a_line_a_day_and_what_became_of_the_lines(clout, warehouse, tmp_path):
    good, bad, empty = tmp_path / "good.txt", tmp_path / "bad.txt", tmp_path / "empty.txt"
    good.write_text(f"1 2 {NOON} RT\n3 2 {NOON} RT\n" + "what\n")
    bad.write_text("what\n")
    empty.write_text("")
    told = clout(
        *("pull", "--day", "2026-11-03", "--max-reject-share", "0.5"),
        *("--source", f"a:higgs={good}", "--source", f"b:higgs={empty}"),
    )
    assert (told.code, told.err) == (0, "")  # no progress where nobody looks
    first, second = told.out.splitlines()
    assert first.startswith("pulled  2026-11-03           2 acts    a ")
    assert first.endswith(" s  (1 rejected)")
    assert second.endswith(" s  warning: empty.txt is empty")
    told = clout("pull", "--day", "2026-11-03", "--source", f"a:higgs={bad}")
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith(
        "clout: a 2026-11-03..2026-11-03: 1 of 1 lines rejected, expected at most 5%; commonest: "
    )
    assert warehouse.row_count(COVERAGE, {}) == 2


def test_a_dry_run_says_which_days_and_partitions_and_does_nothing(clout, monkeypatch, tmp_path):
    nowhere, file = tmp_path / "nowhere", tmp_path / "acts.txt"
    file.write_text("")
    monkeypatch.setenv("CLOUT_WAREHOUSE", str(nowhere))
    told = clout(
        *("run", "--dry-run", "--first-day", "2026-09-01", "--last-day", "2026-09-30", "--score-from", "2026-09-30"),
        *("--source", f"a:higgs={file}", "--source", f"mastodon:activitystreams={ROOT / 'pyproject.toml'}"),
    )
    assert told == Told(
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


def test_without_a_source_the_simulation_has_30_days_of_which_the_last_seven_are_scored(clout, warehouse):
    told = clout("run", "--dry-run", "--last-day", "2026-09-30", "--source", "sample=people=50")
    assert "day=2026-09-01..2026-09-30 source=sample" in told.out
    assert "replace influence, scores: methodology=2026.11 day=2026-09-24..2026-09-30" in told.out
    assert warehouse.row_count(RUNS, {}) == 0


def test_a_dry_run_refuses_what_the_run_would_refuse(clout, warehouse, arrow_rows):
    warehouse.replace(ACTIVITY, arrow_rows(ACTIVITY, [{"platform": "twitter"}]), {}, run_id="r", job="j")
    told = clout("run", "--dry-run")
    assert (told.code, told.out) == (2, "")
    assert told.err.endswith("holds real people, and the two are never mixed; set CLOUT_WAREHOUSE to another folder\n")
