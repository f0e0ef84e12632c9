"""The digest of a day's rows of `influence`, read or known from a run."""

import json
from datetime import date

import pyarrow as pa
import pytest

from jobs.people import erasure
from jobs.warehouse import digests, runs, scored_rows
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.influence import INFLUENCE
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
PLACE = {"methodology": "2026.11", "day": DAY}


def write(warehouse: Warehouse, arrow_rows: ArrowRows, influence: float) -> pa.Table:
    rows = arrow_rows(INFLUENCE, [PLACE | {"influence": influence}])
    warehouse.replace(INFLUENCE, rows, PLACE, run_id="r", job="j")
    return rows


def digest(warehouse: Warehouse, version: int | None = None) -> str | None:
    """As a run computes it that ends well."""
    with runs.recorded(warehouse, "checks", DAY, Batch("test")) as row:
        return scored_rows.digest(warehouse, row, PLACE, version)


def test_the_digest_is_that_of_the_rows_at_every_version(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    """Also if a run knew it before."""
    versions = {}
    for influence in (1.0, 2.0):
        rows = write(warehouse, arrow_rows, influence)
        versions[warehouse.version(INFLUENCE)] = digests.of_stream(INFLUENCE, rows.to_reader())
    assert len(set(versions.values())) == 2
    for _ in range(2):
        assert {version: digest(warehouse, version) for version in versions} == versions
    warehouse.delete(INFLUENCE, PLACE, run_id="r", job="j")
    assert digest(warehouse) is None


def test_files_that_a_run_has_read_are_not_read_again(
    warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(warehouse, arrow_rows, 1.0)
    known = digest(warehouse)

    def refuse(*_: object) -> None:
        pytest.fail("rows were read")

    with monkeypatch.context() as patch:
        patch.setattr(digests, "of_stream", refuse)
        assert digest(warehouse) == known
    write(warehouse, arrow_rows, 2.0)
    assert digest(warehouse) not in (None, known)


def test_files_and_rows_are_of_one_version(
    warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although another process commits between both."""
    write(warehouse, arrow_rows, 1.0)
    version, texts = warehouse.version(INFLUENCE), digests.of_texts

    def interrupted(names: list[str]) -> str:
        write(warehouse, arrow_rows, 2.0)
        return texts(names)

    with monkeypatch.context() as patch:
        patch.setattr(digests, "of_texts", interrupted)
        known = digest(warehouse)
    assert known == digests.of_stream(INFLUENCE, warehouse.reader(INFLUENCE, PLACE, version))


def test_rows_that_an_erasure_has_still_to_remove_are_not_those_that_remain(
    warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    """Its process may die between `runs` and the rows."""
    people = [PLACE | {"person_id": person} for person in ("twitter:1", "twitter:2")]
    all_rows, remaining = (arrow_rows(INFLUENCE, some) for some in (people, people[1:]))
    warehouse.replace(INFLUENCE, all_rows, PLACE, run_id="r", job="j")
    before = digest(warehouse)
    erasure._keep_as_checked(warehouse, ["twitter:1"], "r")
    recorded = [json.loads(text)[digests.INFLUENCE] for text in warehouse.read(RUNS)["parameters"].to_pylist()]
    assert recorded == [digests.of_stream(INFLUENCE, remaining.to_reader())]
    assert digest(warehouse) == before
