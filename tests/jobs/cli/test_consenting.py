"""`clout consent`: what an operator types, and what a newcomer with real people is asked."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from jobs.people import legal_basis
from jobs.warehouse import suppression
from jobs.warehouse.storage import Warehouse
from schemas.consent import CONSENT
from schemas.influence import INFLUENCE
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.grounds import LABEL, REASON
from tests.jobs.cli.result import Result, RunClout

RANGE = ("--first-day", "2026-11-03", "--last-day", "2026-11-03")


def people(warehouse: Warehouse) -> set[str]:
    return set(warehouse.read(SCORES)["person_id"].to_pylist())


def test_a_file_is_recorded_and_whoever_refused_leaves_the_published_days(
    clout: RunClout, warehouse: Warehouse, published: None, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("person_id,scope\ntwitter:1,public\ntwitter:2,no\n")
    assert clout("consent", "import", str(file), "--by", "ana") == Result(
        0,
        "recorded the consent of 2 people\n"
        "2026-11-04 (2026.11): 1 people removed, because they do not agree\n"
        "2026-11-03 (2026.11): 1 people removed, because they do not agree\n",
        "",
    )
    assert people(warehouse) == {"twitter:1", "twitter:\x9b31m3"}
    assert {(row["origin"], row["recorded_by"]) for row in warehouse.read(CONSENT).to_pylist()} == {("import", "ana")}


def test_a_file_with_faults_records_nothing(clout: RunClout, warehouse: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("person_id,scope\nana,public\nx:bo,yes\n")
    result = clout("consent", "import", str(file))
    assert (result.code, result.out) == (2, "")
    assert "line 2: 'ana' is no person_id" in result.err
    assert "line 3: scope 'yes' is unknown" in result.err
    assert (warehouse.row_count(CONSENT, {}), warehouse.row_count(RUNS, {})) == (0, 0)


def test_one_account_is_set_and_nobody_is_shown_any_more_without_a_basis(
    clout: RunClout, warehouse: Warehouse, published: None
) -> None:
    result = clout("consent", "basis", "--end", "--by", "ana")
    assert result.out.endswith("people removed, because they do not agree\neverybody shown agreed to be published\n")
    assert people(warehouse) == set()
    assert clout("consent", "set", "twitter:1", "public", "--since", "2026-01-01", "--in-advance").out == (
        "twitter:1: public since 2026-01-01\n"
    )
    counts = json.loads(clout("consent", "status", "--json").out)
    assert (counts["ground"], counts["public"], counts["no"]) == ("consent", 1, 0)
    assert "everybody shown agreed to be published" in clout("consent", "status").out


def test_before_it_is_applied_output_already_hides_people_without_consent(
    clout: RunClout, warehouse: Warehouse, published: None, tmp_path: Path
) -> None:
    legal_basis.record(warehouse, None, at=datetime(2027, 1, 1, tzinfo=UTC), by="t", run_id="r")
    assert "twitter" in str(people(warehouse))
    result = clout("show", "ana")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("clout: scores: no published person is called 'ana'")
    for person in ("ana", "twitter:1", "bo"):
        refused = clout("explain", person, "--day", "2026-11-03")
        assert refused.err.startswith(f"clout: scores: no published person is called {person!r}")
    assert "agree no longer" in clout("show", "--top", "9", "--day", "2026-11-03").err
    assert clout("export", "--to", str(tmp_path / "day.csv"), "--day", "2026-11-03").code == 1
    assert not (tmp_path / "day.csv").exists()


def test_an_upgrade_warns_before_everybody_is_taken_out(clout: RunClout, warehouse: Warehouse, published: None) -> None:
    assert "consent" not in clout("upgrade").out
    legal_basis.record(warehouse, None, at=datetime(2027, 1, 1, tzinfo=UTC), by="t", run_id="r")
    assert "removes everybody from 2 published days for good" in clout("upgrade").out


def test_a_question_makes_no_warehouse(clout: RunClout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would hide that of the simulation."""
    monkeypatch.setenv("CLOUT_WAREHOUSE", str(tmp_path / "nowhere"))
    assert clout("consent", "basis").code == 2
    assert not (tmp_path / "nowhere").exists()


def test_a_basis_is_recorded_and_shown(clout: RunClout, warehouse: Warehouse) -> None:
    assert clout("consent", "basis").out == f"{LABEL}\n"
    result = clout("consent", "basis", "public research data set, SNAP", "--by", "ana")
    assert result.out.startswith("legal basis: public research data set, SNAP (recorded by ana on 2")
    assert clout("consent", "basis").out == result.out
    refused = clout("consent", "basis", "one", "--end")
    assert (refused.code, refused.err) == (2, "clout: give a REASON or --end, not both\n")


@pytest.mark.parametrize("command", ["run", "dry run"])
def test_a_newcomer_with_real_people_is_asked_before_any_work(
    clout: RunClout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    file, nowhere = tmp_path / "acts.txt", tmp_path / "nowhere"
    file.write_text("1 2 1793534400 RT\n")
    monkeypatch.setenv("CLOUT_WAREHOUSE", str(nowhere))
    asked = ["run", "--source", f"higgs={file}", *RANGE, *(["--dry-run"] if command == "dry run" else [])]
    result = clout(*asked)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(
        "clout: these are real people, and clout publishes nobody who did not agree. Choose one:"
    )
    assert "clout consent import FILE" in result.err
    assert '--everybody "public research data set, SNAP"' in result.err
    assert not nowhere.exists()


def test_a_person_is_forgotten_with_a_certificate(
    clout: RunClout, warehouse: Warehouse, published: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CLOUT_SUPPRESSION_KEYS", raising=False)
    refused = clout("person", "forget", "twitter:1")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("clout: set CLOUT_SUPPRESSION_KEYS to a secret key first")
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    result = clout("person", "forget", "twitter:1", "--certificate", str(tmp_path / "made.json"))
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith(f"files\ncertificate: {tmp_path / 'made.json'}\n")
    assert json.loads((tmp_path / "made.json").read_text())["traces"] == 0
    assert "twitter:1" not in people(warehouse)
    (tmp_path / "people.txt").write_text("twitter:2\n\ntwitter:1\n")
    assert clout("person", "forget", "--from", str(tmp_path / "people.txt")).code == 0
    assert "twitter:2" not in people(warehouse)
    missing = clout("person", "forget", "--from", str(tmp_path / "none.txt"))
    assert (missing.code, missing.err.startswith(f"clout: {tmp_path / 'none.txt'}: cannot be read")) == (2, True)
    wrong = clout("person", "forget", "ana")
    assert (wrong.code, wrong.err) == (
        2,
        "clout: 'ana' is no person_id; expected PLATFORM:ACCOUNT_ID, such as twitter:88\n",
    )


def test_who_left_is_shown_nowhere_even_before_the_published_days_follow(
    clout: RunClout, warehouse: Warehouse, published: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    suppression.record(warehouse, ["twitter:1"], at=datetime(2026, 11, 10, tzinfo=UTC), run_id="r")
    assert "twitter:1" in people(warehouse)
    refused = clout("show", "twitter:1")
    assert (refused.code, refused.out) == (1, "")
    assert "twitter:1" not in clout("show", "--top", "9", "--csv").out
    assert clout("export", "--to", str(tmp_path / "day.csv")).code == 0
    assert "twitter:1" not in (tmp_path / "day.csv").read_text()


def test_json_and_csv_say_on_which_ground_people_are_shown(clout: RunClout, published: None) -> None:
    assert {row["ground"] for row in json.loads(clout("show", "--top", "9", "--json").out)} == {REASON}
    assert clout("show", "twitter:1", "--csv").out.splitlines()[1].endswith(f",{REASON}")


def test_new_consent_says_on_which_days_people_can_be_added(
    clout: RunClout, warehouse: Warehouse, published: None, arrow_rows: ArrowRows, tmp_path: Path
) -> None:
    for day in (date(2026, 11, 3), date(2026, 11, 4)):
        scored = arrow_rows(INFLUENCE, [{"day": day, "person_id": "twitter:1"}])
        warehouse.replace(INFLUENCE, scored, {"methodology": "2026.11", "day": day}, run_id="r", job="j")
    said = clout("consent", "set", "twitter:1", "public").out
    assert said.endswith(
        "whoever may be published now appears in days published from now on; to add them to a day that is scored already"
        " (2026-11-03..2026-11-04), run `clout publish --day DAY` for each\n"
    )
    assert "clout publish" not in clout("consent", "set", "twitter:1", "no").out


def test_a_mistyped_id_is_neither_set_nor_exported_nor_forgotten(
    clout: RunClout, warehouse: Warehouse, published: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    commands = [("consent", "set", "twitter:11", "no"), ("person", "forget", "twitter:11"),
                ("person", "export", "twitter:11", "--to", str(tmp_path / "held"))]  # fmt: skip
    before = [warehouse.version(table) for table in (CONSENT, RUNS)]
    for command in commands:
        refused = clout(*command)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err.startswith(
            "clout: twitter:11: nothing in this warehouse names this person; did you mean twitter:1"
        )
    assert [warehouse.version(table) for table in (CONSENT, RUNS)] == before
    for command in commands:
        assert clout(*command, "--in-advance").code == 0


def test_an_old_file_says_that_a_later_word_stays(
    clout: RunClout, warehouse: Warehouse, published: None, tmp_path: Path
) -> None:
    clout("consent", "set", "twitter:1", "no")
    file = tmp_path / "people.csv"
    file.write_text("person_id,scope,since\ntwitter:1,public,2026-01-01\n")
    assert clout("consent", "import", str(file)).out == (
        "recorded the consent of 0 people; 1 not recorded, because they said something else later than the file (its"
        " `since`, or its last change), and what they said last stays\n"
    )
