"""The commands in README, guides and runbooks exist: programs, subcommands, options, files and variables.

Nothing runs here. `tests/test_blocks_run.py` runs the shell blocks, `tests/test_readme.py` the Python blocks.
"""

import json
import re
import tomllib
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer

from jobs import labels
from jobs.cli import display
from jobs.cli.main import app
from jobs.places import ROOT
from jobs.sources.entries import enabled_entries
from tests.pages import BLOCK, PAGES, blocks, commands, scripts

INLINE = re.compile(
    r"`((?:export )?[A-Z]+_[A-Z_]+=[^`]+|(?:\.venv/bin/)?clout [a-z][^`]*|\.venv/bin/\w[^`]*|bash infra/[^`]+"
    r"|for \w+ in [^`]+)`"
)
ASSIGNED = re.compile(r"([A-Z][A-Z_]+)=(.*)", re.DOTALL)
LANGUAGES = {"sh", "python", "sql", "json", "yaml", "csv", "text"}

GOLDEN = ROOT / "tests" / "jobs" / "golden" / "higgs_2012-07-07.json"
HIGGS_BASIS = "legal basis: public research data set, SNAP (recorded by ana on 2026-11-03)"

CLOUT = typer.main.get_group(app)
MARKERS = {
    marker.partition(":")[0]
    for marker in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
}
DAGS = {path.stem for path in (ROOT / "dags").glob("*.py") if "with DAG(" in path.read_text(encoding="utf-8")}
CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for folder, pattern in (
        ("jobs", "**/*.py"), ("dags", "*.py"), ("infra", "*.sh"), ("infra/bench", "*.py"), ("infra/systemd", "*"),
        ("tests", "conftest.py"),
    )
    for path in sorted((ROOT / folder).glob(pattern))
)  # fmt: skip


def inline(page: Path) -> list[str]:
    """The commands in sentences and tables."""
    return INLINE.findall(BLOCK.sub("", page.read_text(encoding="utf-8")))


def faults(words: list[str], *, whole: bool = True) -> list[str]:
    """One line for each fault of a command. A command in a sentence is not `whole`: it may lack options, and have placeholders
    as values."""
    if words[0] == "export":
        words = words[1:]
    assigned = []
    while words and (match := ASSIGNED.fullmatch(words[0])):
        assigned += faults_of_variable(*match.groups())
        words = words[1:]
    if not words or words == ["break"]:
        return assigned
    program, arguments = words[0].removeprefix(".venv/bin/"), [word for word in words[1:] if word != "..."]
    if program == "bash":
        return assigned + faults_of_script(*arguments, whole=whole)
    if program not in FAULTS:
        return [*assigned, f"{program}: unknown program"]
    return assigned + FAULTS[program](arguments, whole)


def faults_of_variable(name: str, value: str) -> list[str]:
    if name == "AIRFLOW_CONN_CLOUT_NOTIFY":
        supported = re.findall(r'"(\w+)": _\w+,', (ROOT / "dags" / "notify.py").read_text(encoding="utf-8"))
        kind = json.loads(value)["conn_type"] if value.startswith("{") else value.partition("://")[0]  # as Airflow does
        return [] if kind in supported else [f"{name}: type {kind!r} is none of {', '.join(supported)}"]
    connection = re.fullmatch(r"AIRFLOW_CONN_(\w+)", name)
    is_there = is_read(connection[1].lower() if connection else name)
    return [] if is_there else [f"{name}: nothing reads it"]


def is_read(name: str) -> bool:
    """Whether the code names it. The variable of a source's connection ends in a name that an operator chose."""
    return re.sub(r"^(CLOUT_CONNECTION_)\w+", r"\1", name) in CODE


def faults_of_script(script: str, *arguments: str, whole: bool) -> list[str]:
    path = ROOT / script
    if not path.is_file():
        return [f"{script}: no such file"]
    if path.name == "run.sh":
        return faults_of_clout(["run", *arguments], whole)
    if path.name == "test.sh":
        return faults_of_pytest(list(arguments), whole)
    usages = re.findall(rf"^# +bash {re.escape(script)} (.+?)  ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    known = {word for usage in usages for word in usage.split()}
    return [f"{script}: {word} is not in its usage" for word in arguments if word not in known]


def faults_of_clout(arguments: list[str], whole: bool) -> list[str]:
    name, *rest = arguments
    command = CLOUT.commands.get(name)
    if command is None:
        return [f"clout {name}: no such command"]
    if not whole:
        group: dict[str, Any] = getattr(command, "commands", {})
        command = group.get(rest[0], command) if rest else command
        options = {option for parameter in command.params for option in parameter.opts}
        used = [word.partition("=")[0] for word in rest if word.startswith("-")]
        return [f"clout {name}: no option {option}" for option in used if option not in options]
    try:
        command.make_context(name, rest)
    except Exception as error:  # Typer's usage error has no public name
        return [f"clout {name}: {error}"]
    return []


def faults_of_airflow(arguments: list[str], _: bool) -> list[str]:
    """Checks the DAGs alone: Airflow parses its options when `tests/infra/test_runbooks.py` runs it."""
    dags = [value for option, value in pairwise(arguments) if option in ("--dag-id", "unpause")]
    return [f"airflow: no DAG {dag}" for dag in dags if dag not in DAGS]


def faults_of_python(arguments: list[str], whole: bool) -> list[str]:
    if not arguments:
        return []
    flag, module, *rest = arguments
    if flag != "-m" or find_spec(module) is None:
        return [f"python {flag} {module}: no such module"]
    return faults_of_pytest(rest, whole) if module == "pytest" else []


def faults_of_pytest(arguments: list[str], _: bool) -> list[str]:
    marker = arguments[1:2] if arguments[:1] == ["-m"] else []
    unknown = [f"pytest: no marker {name}" for name in marker if name not in MARKERS]
    return unknown + [f"{path}: no such file" for path in arguments[2 * len(marker) :] if not (ROOT / path).exists()]


FAULTS = {"clout": faults_of_clout, "airflow": faults_of_airflow, "python": faults_of_python}


def listed(scripts: list[str], *, whole: bool = True) -> list[str]:
    return [fault for script in scripts for words in commands(script) for fault in faults(words, whole=whole)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_block_parses(page: Path) -> None:
    assert listed(scripts(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_a_sentence_exists(page: Path) -> None:
    assert listed(inline(page), whole=False) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_reads_every_variable_that_a_page_names(page: Path) -> None:
    names = set(re.findall(r"\bCLOUT_[A-Z_]+\b", page.read_text(encoding="utf-8")))
    assert sorted(name for name in names if not is_read(name)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_has_a_language_that_tests_read(page: Path) -> None:
    assert {language for _, language, _ in BLOCK.findall(page.read_text(encoding="utf-8"))} <= LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_yaml_block_is_an_enabled_entry_of_sources(page: Path, tmp_path: Path) -> None:
    for text in blocks(page, "yaml"):
        (tmp_path / "sources.yaml").write_text(text, encoding="utf-8")
        assert len(enabled_entries(tmp_path / "sources.yaml")) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_output_shows_its_labels_as_clout_prints_them(page: Path) -> None:
    """On a line of its own."""
    lines = [line for text in blocks(page, "text") for line in text.splitlines()]
    for label in (labels.BY_CONSENT, labels.SIMULATED):
        assert [line for line in lines if label in line and line != label] == []


def test_output_of_the_real_run_is_what_clout_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the people whose rows `tests/jobs/test_higgs.py` checks."""
    monkeypatch.setenv("COLUMNS", str(display.WIDE))
    people = [row for row in json.loads(GOLDEN.read_text(encoding="utf-8"))["people"] if row["rank"] <= 10]
    display.print_top(pa.Table.from_pylist(people), HIGGS_BASIS)
    display.print_history(pa.Table.from_pylist(people[:1]), HIGGS_BASIS)
    documented = "\n".join(blocks(ROOT / "infra" / "docs" / "data_engineer.md", "text")).splitlines()
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert len(people) == 7
    assert [line for line in printed if line not in documented] == []


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("clout shwo", "clout shwo: no such command"),
        (".venv/bin/clout show --top 20 --dya 2026-11-03", "No such option: --dya"),
        (".venv/bin/clout pull --source gharchive=", "Missing parameter: day"),
        (".venv/bin/clout show --top 20 --day 2026-11-31", "does not match the format"),
        ("for job in checks pubish; do clout \"$job\" --day 2026-11-03 || break; done", "clout pubish: no such command"),
        ("bash infra/rnu.sh", "infra/rnu.sh: no such file"),
        ("bash infra/run.sh --first 2026-11-03", "No such option: --first"),
        ("bash infra/test.sh -m unti", "pytest: no marker unti"),
        ("bash infra/bench.sh engine", "infra/bench.sh: engine is not in its usage"),
        ("CLOUT_WARHOUSE=/tmp/demo bash infra/run.sh", "CLOUT_WARHOUSE: nothing reads it"),
        ("export AIRFLOW_CONN_CLOUT_NOTIFY='https://hooks.example.org'", "type 'https' is none of smtp, slackwebhook, http"),
        (".venv/bin/airflow backfill create --dag-id pull", "airflow: no DAG pull"),
        (".venv/bin/python -m schemas.dictionry", "schemas.dictionry: no such module"),
        ("clotu show", "clotu: unknown program"),
    ],
)  # fmt: skip
def test_a_command_that_does_not_exist_is_reported(command: str, fault: str) -> None:
    (reported,) = listed([command])
    assert fault in reported


def test_a_command_in_a_sentence_may_lack_options_but_not_misspell_them() -> None:
    assert listed(["clout pull --settle", "clout publish --day D --accept WHY"], whole=False) == []
    assert listed(["clout pull --setle"], whole=False) == ["clout pull: no option --setle"]
