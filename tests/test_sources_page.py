"""What pages say of sources is what the code has: types, needs, budgets, fields, reasons, and what `clout sources` prints."""

import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
import typer

from jobs.cli import display, main
from jobs.cli.source_status import lasting
from jobs.places import ROOT
from jobs.sources.entries import Entry, enabled_entries
from jobs.sources.live import population
from jobs.sources.live.settings import Limits
from jobs.sources.spec import ask_of, class_of
from jobs.sources.types import TYPES

PAGE = (ROOT / "infra" / "docs" / "sources.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "infra" / "runbooks" / "late_or_missing_day.md").read_text(encoding="utf-8")
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "jobs").rglob("*.py")))
LIVE = {name for name, kind in TYPES.items() if kind.live}


def table(head: str, page: str = PAGE) -> dict[str, list[str]]:
    """First cell -> the others, of the one table of the page that begins so."""
    (found,) = re.findall(rf"^\| {re.escape(head)}.*\n\|---.*\n((?:\|.*\n)+)", page, flags=re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|\n").split(" |")] for line in found.splitlines()]
    return {row[0].strip("`"): row[1:] for row in rows}


def example(language: str, marker: str) -> str:
    (text,) = re.findall(
        rf"<!-- example: {marker} -->\n```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL
    )
    return text


def test_the_page_lists_every_type() -> None:
    listed = re.findall(r"^\| \[`([\w-]+)`\]\(\.\./\.\./jobs/sources/(\w+)\.py\)", PAGE, flags=re.MULTILINE)
    assert sorted(name for name, _ in listed) == sorted(TYPES)
    assert all(module == name.replace("-", "_") for name, module in listed)


def test_every_live_type_says_whether_it_needs_a_secret() -> None:
    needs = {name: re.split(r"\W", cells[0])[0] for name, cells in table("type | connection").items()}
    assert needs == {
        name: ("optional" if TYPES[name].optional else "required") if TYPES[name].secret else "none" for name in LIVE
    }


def test_budgets_are_those_of_the_code() -> None:
    budgets = {name: cells[0] for name, cells in table("type | budget").items()}
    made = {name: class_of(name) for name in LIVE}
    assert budgets == {name: f"{of.REQUESTS:,} requests, {of.MINUTES:g} minutes" for name, of in made.items()}


def test_what_a_day_of_a_population_takes_is_what_clout_reckons() -> None:
    """Where the page says it for 1,000 members; of GitHub with a token."""
    stated = {
        name: cells[1] for name, cells in table("type | budget").items() if re.match(r"1,000 [a-z0-9 ]+:", cells[1])
    }
    assert stated.keys() == {name for name in LIVE if class_of(name).A_MEMBER} - {"reddit-live"}
    with_token = SimpleNamespace(optional_secret="token")
    for name, cell in stated.items():
        made = class_of(name)
        assert lasting(1_000 * made.A_MEMBER / made.pace.fget(with_token)) in cell


def test_every_field_of_an_entry_is_explained() -> None:
    fields = {field.alias or name for name, field in Entry.model_fields.items()}
    assert {name for row in table("field | for") for name in re.findall(r"\w+", row)} == fields


def test_every_field_of_ask_is_explained() -> None:
    for name, cells in table("type | fields").items():
        assert set(re.findall(r"`(\w+)(?:: \w+)?`", cells[0])) >= set(ask_of(name).model_fields), name
    assert set(table("type | fields")) == LIVE


def test_the_example_of_an_entry_has_every_field(tmp_path: Path) -> None:
    """But `platform`, which follows from a live type, and dollars, which only `x` costs."""
    (tmp_path / "sources.yaml").write_text(example("yaml", "entry"), encoding="utf-8")
    (entry,) = enabled_entries(tmp_path / "sources.yaml")
    assert entry.model_fields_set == set(Entry.model_fields) - {"platform"}
    assert entry.budget
    assert entry.budget.model_fields_set == set(Limits.model_fields) - {"dollars"}


def test_the_example_of_a_population_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "people.tsv").write_text(example("text", "population"), encoding="utf-8")
    assert population.read(tmp_path / "people.tsv") == (
        ("ana", None, None), ("bo", date(2026, 11, 10), "joined the project"), ("cy", None, "a member from the start"),
    )  # fmt: skip


def test_the_code_gives_every_reason_of_the_runbook() -> None:
    """Its fixed parts, without numbers."""
    quoted = re.findall(r"`([^`]+)`", "\n".join(f"`{reason}`" for reason in table("the reason contains", RUNBOOK)))
    parts = [part.strip() for reason in quoted for part in re.split(r"\.\.\.|\(?\d+\)?;?", reason)]
    assert [part for part in parts if part not in CODE and not hasattr(httpx2, part)] == []


def test_readme_shows_the_sources_as_clout_lists_them_in_a_fresh_checkout(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("CLOUT_SOURCES", "CLOUT_CONTACT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUT_WAREHOUSE", str(tmp_path / "none"))
    monkeypatch.setenv("COLUMNS", str(display.WIDE))
    (shown,) = re.findall(r"^```text\n(Sources\n.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    typer.main.get_command(main.app).main(["sources"], standalone_mode=False)
    printed = capsys.readouterr().out.splitlines()
    for line in shown.splitlines():  # in this order
        if line != "...":
            assert line in printed
            del printed[: printed.index(line) + 1]
