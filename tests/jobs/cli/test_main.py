"""The command line: what a newcomer reads, exit codes (0 done, 1 failed, 2 wrong use), and no traceback for a mistake."""

import logging
import signal
from datetime import date
from pathlib import Path

import pytest

from jobs import interrupts, session
from jobs.cli import main, queries
from jobs.warehouse.storage import Warehouse
from schemas.influence import INFLUENCE
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.jobs.cli.result import Result, RunClout

DAY = date(2026, 11, 3)
NOON = 1_793_707_200  # of this day
COMMANDS = {
    command.name or command.callback.__name__: command.callback
    for command in main.app.registered_commands
    if command.callback
}


# Help


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_says_what_a_command_does_and_what_each_option_means(clout: RunClout, command: str | None) -> None:
    result = clout(*([command] if command else []), "--help")
    assert (result.code, result.err) == (0, "")
    text = " ".join(result.out.replace("│", " ").split())
    assert text.startswith(f"Usage: clout {command or '[OPTIONS] COMMAND'}")
    if command:
        doc = COMMANDS[command].__doc__
        assert doc is not None
        assert " ".join(doc.splitlines()[0].split()) in text
        assert "--verbose -v Log every step, and show tracebacks." in text
    else:
        assert "Begin with `clout run`: without arguments it pulls 30 simulated days and scores the last seven." in text
        assert all(f" {name} " in text for name in COMMANDS)
    assert max(map(len, result.out.splitlines())) <= 80
    assert "<bool>" not in text


def test_without_a_command_there_is_the_help(clout: RunClout) -> None:
    result = clout()
    assert result.code == 2
    assert "Begin with `clout run`" in result.out + result.err


# Mistakes


RANGE = ("--first-day", "2026-11-03", "--last-day", "2026-11-04")
WRONG = {
    "an unknown command": (("rum",), "No such command 'rum'."),
    "an unknown option": (("run", "--dryrun"), "No such option: --dryrun"),
    "no day": (("publish",), "Missing option '--day'."),
    "a day that is none": (("show", "--day", "2026-02-30"), "'2026-02-30' does not match the formats '%Y-%m-%d'."),
    "a share above 1": (("run", "--max-reject-share", "5"), "Input should be less than or equal to 1"),
    "nobody": (("show",), "clout: name a PERSON, or say how many of the first people of a day: --top 20"),
    "both": (("show", "ana", "--top", "3"), "clout: name a PERSON, or say how many of the first people of a day: --top 20"),
    "no people": (("show", "--top", "0"), "Input should be greater than or equal to 1"),
    "two forms": (("show", "--json", "--csv"), "clout: --json and --csv exclude each other"),
    "an unknown type": (
        ("run", "--source", "myspace=x", *RANGE),
        "clout: --source myspace=x: unknown type 'myspace'; use [ID:]TYPE=WHERE with one of higgs,",
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
        "clout: methodology '1999.01' is unknown; known: 2026.11, 2026.12, 2026.12.1",
    ),
    "a day before all methodologies": (
        ("show", "--top", "9", "--day", "1999-12-31"),
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
def test_wrong_use_is_reported_in_words_with_exit_code_2(
    clout: RunClout, warehouse: Warehouse, published: None, mistake: str
) -> None:
    arguments, message = WRONG[mistake]
    result = clout(*arguments)
    assert (result.code, result.out) == (2, "")
    if message.startswith("clout: "):
        assert result.err.startswith(message)
        assert result.err.count("\n") == 1
    else:
        assert message in " ".join(result.err.replace("│", " ").split())
    assert "Traceback" not in result.err
    assert warehouse.row_count(RUNS, {}) == 0


SCORING = {
    "run": ("run", "--source", "sample=people=50", "--last-day", "2026-11-03"),
    "influence": ("influence", "--day", "2026-11-03"),
    "compare": ("compare", "--day", "2026-11-03", "--methodology", "2026.12"),
}
NOT_HERE = {
    "pregel": "clout: engine 'pregel' is unknown; known: auto, memory, spark, graphframes\n",
    "graphframes": "clout: engine graphframes: its JVM package io.graphframes:graphframes-spark4_2.13:0.12.2 is not"
    " installed; list its jars in CLOUT_GRAPHFRAMES_JARS, with commas, or let set-up try again:"
    " rm '{environment}/.clout/graphframes.stamp' && bash infra/setup.sh (engine spark gives the same bits without it)\n",
}


@pytest.mark.parametrize("engine", NOT_HERE)
@pytest.mark.parametrize("command", SCORING)
def test_an_engine_that_is_not_available_is_reported_before_any_work(
    clout: RunClout, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str, engine: str
) -> None:
    """No session is asked for, and with it no JVM; nothing is written."""
    monkeypatch.delenv("CLOUT_GRAPHFRAMES_JARS", raising=False)
    monkeypatch.setattr(session, "environment_folder", lambda: tmp_path)
    monkeypatch.setattr(session, "build", lambda *_, **__: pytest.fail("a session was asked for"))
    before = sorted(Path(warehouse.root).rglob("*"))
    result = clout(*SCORING[command], "--engine", engine)
    assert result == Result(2, "", NOT_HERE[engine].format(environment=tmp_path))
    assert warehouse.row_count(RUNS, {}) == 0
    assert sorted(Path(warehouse.root).rglob("*")) == before


FAILED = {
    "a day that is not published": (
        ("show", "--top", "9", "--day", "2026-11-09"),
        "clout: scores 2026-11-09 (2026.11): not published; the newest published day is 2026-11-04\n",
    ),
    "nobody": (
        ("show", "\x1b[31mzoe"),
        "clout: scores: no published person is called '\\x1b[31mzoe'; give a person_id such as `twitter:88`, or a handle\n",
    ),
    "nothing to withdraw": (
        ("unpublish", "--day", "2026-11-09"),
        "clout: scores 2026-11-09 (2026.11): not published, so there is nothing to withdraw\n",
    ),
    "nothing to restore": (
        ("restore", "--day", "2026-11-09"),
        "clout: scores 2026-11-09 (2026.11): never published, so there is nothing to restore\n",
    ),
    "not checked": (
        ("publish", "--day", "2026-11-09"),
        "clout: influence 2026-11-09 (2026.11): its current rows were not checked; nothing published. Run `clout checks"
        " --day 2026-11-09`\n",
    ),
}


@pytest.mark.parametrize("failure", FAILED)
def test_a_failure_is_one_line_with_exit_code_1(clout: RunClout, published: None, failure: str) -> None:
    arguments, message = FAILED[failure]
    assert clout(*arguments) == Result(1, "", message)


def test_a_failed_check_is_reported_in_full(clout: RunClout, warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    rows = arrow_rows(INFLUENCE, [{"direct": 1.0}])
    warehouse.replace(INFLUENCE, rows, {"methodology": "2026.11", "day": DAY}, run_id="r", job="influence")
    assert clout("checks", "--day", str(DAY)) == Result(
        3,
        "",
        "clout: influence 2026-11-03 (2026.11): parts_sum: 1 people whose parts do not sum to influence, expected 0;"
        " coverage_present: coverage 2026-11-03: 0 rows, expected one for each platform pulled; nothing published, what was"
        " published before is kept\n",
    )


def test_where_no_warehouse_is_there_is_advice(
    clout: RunClout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nowhere, file = tmp_path / "nowhere", tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("CLOUT_WAREHOUSE", str(nowhere))
    message = f"clout: {nowhere}: no warehouse here yet; run `clout run` first, or set CLOUT_WAREHOUSE\n"
    assert clout("show", "--top", "9") == Result(2, "", message)
    assert not nowhere.exists()
    monkeypatch.setenv("CLOUT_WAREHOUSE", str(file))
    assert clout("pull", "--day", "2026-11-03").code == 2


def test_a_warehouse_that_cannot_be_read_is_a_failure(clout: RunClout, warehouse: Warehouse) -> None:
    (Path(warehouse.path(SCORES)) / "_delta_log" / "00000000000000000000.json").write_text("no JSON")
    result = clout("show", "--top", "9")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"clout: {warehouse.path(SCORES)}: cannot be read as a Delta table (")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (ValueError("what is this\nat line 2"), "clout: ValueError: what is this (`--verbose` shows more)\n"),
        (ValueError(), "clout: ValueError (`--verbose` shows more)\n"),
    ],
)
def test_what_nobody_expected_is_one_line_and_a_traceback_under_verbose(
    clout: RunClout, published: None, monkeypatch: pytest.MonkeyPatch, raised: ValueError, message: str
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(queries, "newest_day", fail)
    assert clout("show", "--top", "9") == Result(1, "", message)
    for arguments in (("show", "--top", "9", "--verbose"), ("-v", "show", "--top", "9")):
        result = clout(*arguments)
        assert result.code == 1
        assert result.err.endswith(message)


@pytest.mark.parametrize("becomes", [KeyboardInterrupt, RuntimeError, OSError, SystemExit])
def test_an_interrupt_is_one_line_whatever_a_library_makes_of_it(
    clout: RunClout, published: None, monkeypatch: pytest.MonkeyPatch, becomes: type[BaseException]
) -> None:
    def interrupted(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise becomes from error

    monkeypatch.setattr(interrupts, "_descendants", list)
    monkeypatch.setattr(queries, "newest_day", interrupted)
    assert clout("show", "--top", "9") == Result(1, "", "clout: interrupted\n")


def test_verbose_shows_a_traceback(
    clout: RunClout, published: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(queries, "newest_day", lambda *_: 1 / 0)
    clout("show", "--top", "9")
    assert caplog.text == ""
    clout("show", "--top", "9", "-v")
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("arguments", [("-v", "show", "--top", "9"), ("show", "--top", "9", "-v")])
def test_verbose_may_stand_before_the_command_or_after_it(clout: RunClout, arguments: tuple[str, ...]) -> None:
    clout(*arguments)
    assert logging.getLogger("jobs").level == logging.DEBUG
    clout("show", "--top", "9")
    assert logging.getLogger("jobs").level == logging.WARNING
