"""One person's published days: the same with and without copies of months, and past months are read from their copies."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli import queries
from jobs.errors import UsageError
from jobs.people.admission import decide
from jobs.warehouse import histories
from jobs.warehouse.storage import Warehouse
from schemas.histories import HISTORIES
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows

VERSION = "2026.11"
DAYS = (date(2026, 9, 29), date(2026, 9, 30), date(2026, 10, 1), date(2026, 11, 2))
PEOPLE = ("twitter:ana", "twitter:bo")


@pytest.fixture
def published(warehouse: Warehouse, arrow_rows: ArrowRows) -> Warehouse:
    for day in DAYS:
        publish(warehouse, arrow_rows, day, 1)
    return warehouse


def publish(warehouse: Warehouse, arrow_rows: ArrowRows, day: date, rank: int, people: Sequence[str] = PEOPLE) -> None:
    rows = [{"day": day, "methodology": VERSION, "person_id": person, "rank": rank} for person in people]
    warehouse.replace(SCORES, arrow_rows(SCORES, rows), {"methodology": VERSION, "day": day}, run_id="r", job="publish")


def history(warehouse: Warehouse) -> pa.Table:
    return histories.of_person(warehouse, "twitter:ana", [VERSION]).sort_by("day")


def months(warehouse: Warehouse) -> list[date]:
    return sorted(warehouse.read(HISTORIES, columns=["month"])["month"].unique().to_pylist())


def test_copies_change_nothing(published: Warehouse, arrow_rows: ArrowRows) -> None:
    without = history(published)
    assert without["day"].to_pylist() == list(DAYS)
    histories.make_copies(published, run_id="r")
    assert months(published) == [date(2026, 9, 1), date(2026, 10, 1)]  # the newest month still grows
    assert history(published).equals(without)
    assert without.schema.equals(history(published).schema)


def test_past_months_are_read_from_their_copies(published: Warehouse, tmp_path: Path) -> None:
    without = history(published)
    histories.make_copies(published, run_id="r")
    for file in (tmp_path / "warehouse" / "scores").glob("methodology=*/day=2026-09-*/*.parquet"):
        file.unlink()
    assert history(published).equals(without)


def test_a_day_published_again_or_withdrawn_is_read_itself(published: Warehouse, arrow_rows: ArrowRows) -> None:
    histories.make_copies(published, run_id="r")
    publish(published, arrow_rows, DAYS[0], 7)
    publish(published, arrow_rows, DAYS[2], 1, people=())
    assert history(published).select(["day", "rank"]).to_pylist() == [
        {"day": DAYS[0], "rank": 7}, {"day": DAYS[1], "rank": 1}, {"day": DAYS[3], "rank": 1},
    ]  # fmt: skip
    without = history(published)
    histories.make_copies(published, run_id="r")
    assert history(published).equals(without)
    assert published.row_count(HISTORIES, {}) == 4  # of September; October has no day any more


def test_a_copy_is_in_order_of_person_and_says_who_is_in_each_group(published: Warehouse) -> None:
    histories.make_copies(published, run_id="r")
    (file,) = published.dataset(HISTORIES, {"month": date(2026, 9, 1)}).files
    metadata = pq.ParquetFile(f"{published.path(HISTORIES)}/{file}").metadata.row_group(0)
    (people,) = (
        metadata.column(n) for n in range(metadata.num_columns) if metadata.column(n).path_in_schema == "person_id"
    )
    assert (people.statistics.min, people.statistics.max) == PEOPLE
    rows = published.read(HISTORIES, {"month": date(2026, 9, 1)})
    assert rows["person_id"].to_pylist() == sorted(rows["person_id"].to_pylist())


def test_a_handle_is_whose_it_was_last(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    for day, bearers in ((DAYS[0], "ana bo"), (DAYS[1], "ana"), (DAYS[2], "cy"), (DAYS[3], "")):
        rows = [{"person_id": f"twitter:{name}", "handle": "it", "day": day} for name in bearers.split()]
        rows.append({"person_id": "twitter:di", "handle": "di", "day": day})
        rows = arrow_rows(SCORES, [row | {"methodology": VERSION} for row in rows])
        warehouse.replace(SCORES, rows, {"methodology": VERSION, "day": day}, run_id="r", job="publish")
    assert queries.person_id(decide(warehouse), "@it") == "twitter:cy"
    for day in DAYS[1:]:
        warehouse.replace(
            SCORES, arrow_rows(SCORES, []), {"methodology": VERSION, "day": day}, run_id="r", job="publish"
        )
    with pytest.raises(UsageError, match="handle of several people: twitter:ana, twitter:bo"):
        queries.person_id(decide(warehouse), "it")
