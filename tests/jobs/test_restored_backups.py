"""A restored backup brings back nobody who left after it was made."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs import leaving, pull_activity
from jobs.errors import UsageError
from jobs.people import byte_search
from jobs.people.admission import decide_publication
from jobs.people.byte_search import Searched, Sought
from jobs.places import landing
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.spec import parse_specs
from jobs.warehouse import suppression, suppression_journal
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.consent import CONSENT
from schemas.scores import SCORES
from schemas.suppressed import SUPPRESSED
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
BATCH = Batch("test")
PLACE: dict[str, Any] = {"platform": "x", "day": DAY, "source": "x"}


@pytest.fixture
def journal(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of the journal, of this test alone."""
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    monkeypatch.setenv("CLOUT_SUPPRESSION_JOURNAL", str(tmp_path / "kept" / "left.jsonl"))
    return tmp_path / "kept" / "left.jsonl"


@pytest.fixture
def restored(warehouse: Warehouse, arrow_rows: ArrowRows, journal: Path) -> Warehouse:
    """A warehouse as it was before anastasia left, restored after she left."""
    acts = [{**PLACE, "activity_id": who, "actor_id": who, "target_id": "cy"} for who in ("anastasia", "boris")]
    warehouse.append(ACTIVITY, arrow_rows(ACTIVITY, acts), {}, run_id="r", job="j")
    accounts = [{**PLACE, "account_id": "anastasia", "handle": "Nastenka"}]
    warehouse.append(ACCOUNTS, arrow_rows(ACCOUNTS, accounts), {}, run_id="r", job="j")
    both = ("x:anastasia", "x:boris")
    agreed = arrow_rows(CONSENT, [{"person_id": who, "scope": "public"} for who in both])
    scored = arrow_rows(SCORES, [{"person_id": who, "day": DAY} for who in both])
    for table, rows in ((CONSENT, agreed), (SCORES, scored)):
        warehouse.append(table, rows, {}, run_id="r", job="j")
    recorded = Recording(landing(warehouse.root) / "x" / str(DAY), "page")
    recorded.add([{"by": "nastenka"}, {"by": "boris"}], Cursor(None, True))
    root = Path(warehouse.root)
    shutil.copytree(root, root.with_name("backup"))
    leaving.forget(warehouse, leaving.Params(people=("x:anastasia",), at=NOON), BATCH)
    shutil.rmtree(root)
    shutil.copytree(root.with_name("backup"), root)
    return Warehouse(warehouse.root)


def traces(warehouse: Warehouse) -> list:
    sought = Sought(["x:anastasia"], {"x": ["anastasia", "Nastenka"]})
    return list(byte_search.traces(Path(warehouse.root), sought, Searched()))


def test_nothing_is_pulled_or_published_before_the_journal_is_replayed(
    restored: Warehouse, journal: Path, tmp_path: Path
) -> None:
    file = tmp_path / "acts.jsonl"
    file.write_text(json.dumps({"type": "Like"}))
    (source,) = parse_specs([f"toots:activitystreams={file}"])
    refusals = [
        lambda: pull_activity.run(
            restored, pull_activity.Params(source=source, first_day=DAY, last_day=DAY, max_reject_share=1), BATCH
        ),
        lambda: decide_publication(restored),
    ]
    for refused in refusals:
        with pytest.raises(UsageError, match=rf"3 names of people who left are in .*--replay {journal}"):
            refused()


def test_the_journal_is_replayed(restored: Warehouse, journal: Path) -> None:
    assert traces(restored)
    assert "nastasia" not in journal.read_text()
    certificate = leaving.replay(restored, journal, NOON, BATCH)
    assert traces(restored) == []
    assert certificate["rows_removed"]["activity"] == 1
    assert restored.read(ACTIVITY)["actor_id"].to_pylist() == ["boris"]
    assert restored.read(SCORES)["person_id"].to_pylist() == ["x:boris"]
    assert restored.row_count(SUPPRESSED, {}) == 3  # the id, the handle, and the handle in lower case
    items = Recording(landing(restored.root) / "x" / str(DAY), "page").items
    assert [json.loads(item) for item in items] == [{"by": "boris"}]
    assert "x:anastasia" in suppression.current(restored)
    again = leaving.replay(restored, journal, NOON, BATCH)  # nothing is left to do
    assert sum(again["rows_removed"].values()) == 0


def test_the_journal_of_another_warehouse_counts_for_nobody_here(
    restored: Warehouse, journal: Path, tmp_path: Path
) -> None:
    other = Warehouse(str(tmp_path / "other"))
    other.create_tables()
    assert not suppression.current(other)
    with pytest.raises(UsageError, match="holds nobody who left this warehouse"):
        leaving.replay(other, journal, NOON, BATCH)


def test_a_run_that_died_between_journal_and_table_is_continued_by_the_same_command(
    warehouse: Warehouse, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        """In place of SIGKILL."""

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, "append", killed)
        with pytest.raises(KilledError):
            suppression.record(warehouse, ["x:anastasia"], at=NOON, run_id="r")
    assert "x:anastasia" in suppression.ever(warehouse)
    leaving.forget(warehouse, leaving.Params(people=("x:anastasia",), at=NOON), BATCH)
    assert "x:anastasia" in suppression.current(warehouse)


def test_a_torn_line_is_dropped_and_a_malformed_one_named(warehouse: Warehouse, journal: Path) -> None:
    suppression.record(warehouse, ["x:anastasia"], at=NOON, run_id="r")
    with journal.open("a") as file:
        file.write('{"hash": "12')
    assert len(suppression_journal.read(warehouse)) == 1
    suppression.record(warehouse, ["x:boris"], at=NOON, run_id="r")
    assert len(suppression_journal.read(warehouse)) == 2
    assert suppression_journal.read(warehouse)[0]["recorded_at"] == NOON
    with journal.open("a") as file:
        file.write("torn\n")
    with pytest.raises(UsageError, match="line 3 of the journal of who left is malformed"):
        suppression.current(warehouse)


def test_a_lost_journal_is_written_anew_when_the_next_person_leaves(warehouse: Warehouse, journal: Path) -> None:
    suppression.record(warehouse, ["x:anastasia"], at=NOON, run_id="r")
    journal.unlink()
    suppression.record(warehouse, ["x:boris"], at=NOON, run_id="r")
    assert len(journal.read_text().splitlines()) == 2


def test_nobody_leaves_if_the_journal_cannot_be_written(
    warehouse: Warehouse, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_SUPPRESSION_JOURNAL", "/dev/null/left.jsonl")
    with pytest.raises(UsageError, match="the journal of who left cannot be"):
        suppression.record(warehouse, ["x:anastasia"], at=NOON, run_id="r")
    assert warehouse.row_count(SUPPRESSED, {}) == 0
