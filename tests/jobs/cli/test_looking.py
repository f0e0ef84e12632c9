"""Looks at one person are recorded, and do not depend on the record."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.people import lookups as people
from jobs.user import user
from jobs.warehouse.storage import Warehouse
from schemas.lookups import LOOKUPS
from tests.jobs.cli.result import RunClout

pytestmark = pytest.mark.usefixtures("published")


def looks(warehouse: Warehouse) -> list[tuple]:
    return sorted(
        (row["person_id"], row["command"], row["why"], row["looked_by"]) for row in warehouse.read(LOOKUPS).to_pylist()
    )


def test_every_look_at_one_person_is_recorded_with_who_when_and_why(
    clout: RunClout, warehouse: Warehouse, tmp_path: Path
) -> None:
    assert clout("show", "ana", "--why", "she asked").code == 0
    assert clout("show", "twitter:2", "--json").code == 0
    assert clout("person", "export", "twitter:1", "--to", str(tmp_path / "out"), "--why", "a request").code == 0
    assert looks(warehouse) == [
        ("twitter:1", "export", "a request", user()),
        ("twitter:1", "show", "she asked", user()),
        ("twitter:2", "show", None, user()),
    ]
    found = json.loads(clout("lookups", "twitter:1", "--json").out)
    assert [row["command"] for row in found] == ["export", "show"]
    shown = clout("lookups").out
    assert shown.startswith("Looks at one person\n")
    assert "she asked" in shown


def test_lists_and_looks_at_nobody_are_not_recorded(clout: RunClout, warehouse: Warehouse) -> None:
    assert clout("show", "--top", "3").code == 0
    assert clout("show", "nobody").code == 1
    assert looks(warehouse) == []


def test_an_explanation_is_a_look(clout: RunClout, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.cli import explanations
    from jobs.why import explain

    monkeypatch.setattr(explain, "explained", lambda *_: {})
    monkeypatch.setattr(explanations, "print_explanation", lambda *_: None)
    assert clout("explain", "twitter:1", "--why", "curious").code == 0
    assert looks(warehouse) == [("twitter:1", "explain", "curious", user())]


def test_a_warehouse_that_cannot_be_written_still_shows_with_a_warning(
    clout: RunClout, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: Any, **__: Any) -> None:
        raise OSError("Read-only file system")

    monkeypatch.setattr(people.Warehouse, "append", read_only)
    result = clout("show", "ana")
    assert (result.code, result.err) == (
        0,
        "clout: this look is not recorded in `lookups`, because the warehouse cannot be written\n",
    )
    assert result.out.startswith("twitter:1")
    assert looks(warehouse) == []
