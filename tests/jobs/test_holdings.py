"""What is held about a person is handed out to them, whole."""

import json
from pathlib import Path

import pytest

from jobs import holdings
from jobs.errors import CloutError, UsageError
from jobs.places import landing
from jobs.sources.live.recording import Cursor, Recording
from jobs.warehouse import runs
from jobs.warehouse.storage import Warehouse
from tests.fixture_types import ArrowRows
from tests.jobs import leaver
from tests.jobs.leaver import BATCH, DAY, LEAVER, named


@pytest.fixture
def lived_in(
    warehouse: Warehouse,
    arrow_rows: ArrowRows,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Warehouse:
    """A warehouse in which the leaver is in every table, a recording, and files that were replaced."""
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    leaver.live_in(warehouse, leaver.pulling(warehouse, tmp_path_factory.mktemp("acts")), arrow_rows)
    return warehouse


def test_everything_that_is_held_is_handed_out(lived_in: Warehouse, tmp_path: Path) -> None:
    """As much as the search of every byte finds, in words that explain each column."""
    counts = holdings.export(lived_in, [LEAVER], tmp_path)
    held = json.loads((tmp_path / "person.json").read_text(encoding="utf-8"))
    assert {name: len(rows) for name, rows in held["held"].items()} == counts
    assert {*counts} - {"recordings"} | {"landing"} >= named(lived_in)
    assert {path.stem for path in tmp_path.glob("*.csv")} == {*counts} - {"recordings"}
    assert held["held"]["recordings"] == [{"file": f"toots/{DAY}/page.000000.jsonl.zst", "item": {"by": LEAVER[6:]}}]
    assert all(held["what_it_is"][name][""] for name in counts)
    assert {row["person_id"] for row in held["held"]["influence"]} == {LEAVER}
    assert "users/cy" not in str(held)
    with pytest.raises(UsageError, match="'ana' is no person_id"):
        holdings.export(lived_in, ["ana"], tmp_path)


def test_nothing_of_others_with_a_longer_id_is_handed_out(lived_in: Warehouse, tmp_path: Path) -> None:
    """And everything in another case is."""
    recorded = Recording(landing(lived_in.root) / "toots" / str(DAY), "more")
    recorded.add([{"by": LEAVER[6:].upper()}, {"by": f"{LEAVER[6:]}s-friend"}], Cursor(None, True))
    with pytest.raises(CloutError), runs.recorded(lived_in, "test", DAY, BATCH):
        raise CloutError(f"{LEAVER}s-friend is another")
    counts = holdings.export(lived_in, [LEAVER], tmp_path)
    assert (counts["recordings"], "runs" in counts) == (2, False)
    assert "s-friend" not in (tmp_path / "person.json").read_text(encoding="utf-8")
