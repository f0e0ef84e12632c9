"""A person leaves a warehouse in an object store."""

from itertools import chain
from pathlib import Path

import pytest

from jobs.leaving import TracesError
from jobs.people.byte_search import Searched, Sought, traces
from jobs.places import landing
from jobs.warehouse import object_files
from jobs.warehouse.storage import Warehouse
from tests.fixture_types import ArrowRows
from tests.jobs import leaver
from tests.jobs.leaver import HANDLE, LEAVER, forget
from tests.object_store import ObjectStore


@pytest.fixture
def lived_in(warehouse: Warehouse, arrow_rows: ArrowRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    leaver.live_in(warehouse, leaver.pulling(warehouse, tmp_path), arrow_rows)
    return warehouse


def named(warehouse: Warehouse) -> set[str]:
    """The tables that name the leaver, and `toots` if a recording of this source does."""
    sought = Sought([LEAVER], {"toots": [LEAVER.partition(":")[2], HANDLE]})
    folders = chain([landing(warehouse.root)], object_files.copies(warehouse.root))
    return {
        trace.path.relative_to(folder).parts[0] for folder in folders for trace in traces(folder, sought, Searched())
    }


def test_nothing_is_left_of_who_leaves_and_every_object_is_searched(
    lived_in: Warehouse, store: ObjectStore, tmp_path: Path
) -> None:
    """But what another program put into the warehouse, which the command does not change."""
    assert named(lived_in) >= {"activity", "accounts", "scores", "engagement", "links", "rejects", "toots"}
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text(f"by {LEAVER}")
    store.put(tmp_path / "notes", f"{lived_in.root.removeprefix(store.root(''))}/notes")
    with pytest.raises(TracesError, match=r"1 traces are left: notes \(bytes\)\."):
        forget(lived_in)
    assert named(lived_in) == {"notes"}
