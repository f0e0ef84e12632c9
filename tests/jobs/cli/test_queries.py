"""What people ask of `scores`."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from jobs.cli import main, queries
from jobs.errors import CloutError, UsageError
from jobs.people.admission import decide
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.catalog import TABLES
from schemas.lookups import LOOKUPS
from schemas.scores import SCORES
from schemas.table import Table
from tests.fixture_types import ArrowRows, Records
from tests.grounds import REASON

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)
VERSION = "2026.11"


@pytest.fixture
def published(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`published([...])`: these people are the day's scores."""

    def write(people: Records, day: date = DAY, methodology: str = VERSION) -> None:
        rows = arrow_rows(SCORES, [{**person, "day": day, "methodology": methodology} for person in people])
        warehouse.replace(SCORES, rows, {"day": day, "methodology": methodology}, run_id="r", job="publish")

    return write


ANA = {"person_id": "twitter:1", "handle": "ana", "rank": 1}
BO = {"person_id": "twitter:2", "handle": "bo", "rank": 2}
CY = {"person_id": "twitter:3", "rank": 2}  # a tie, and nobody knows the handle
DI = {"person_id": "twitter:4", "handle": "di", "rank": 4}


def test_the_top_is_in_order_of_rank_and_ties_in_order_of_id(
    warehouse: Warehouse, published: Callable[..., None]
) -> None:
    published([DI, CY, ANA, BO])
    published([DI | {"rank": 1}], NEXT)
    top = queries.top(decide(warehouse), DAY, VERSION, 3)
    assert top["person_id"].to_pylist() == ["twitter:1", "twitter:2", "twitter:3"]
    assert top.schema.equals(arrow.schema(SCORES))
    assert queries.top(decide(warehouse), DAY, VERSION, 2)["person_id"].to_pylist() == ["twitter:1", "twitter:2"]
    assert queries.top(decide(warehouse), DAY, VERSION, 99).num_rows == 4


def test_the_top_are_the_first_who_are_published_whatever_their_rank_among_everybody_scored(
    warehouse: Warehouse, published: Callable[..., None]
) -> None:
    published([ANA | {"rank": 50}, BO | {"rank": 700}, DI | {"rank": 9_000}])
    assert queries.top(decide(warehouse), DAY, VERSION, 2)["person_id"].to_pylist() == ["twitter:1", "twitter:2"]


def test_a_day_that_is_not_published_names_the_newest_that_is(
    warehouse: Warehouse, published: Callable[..., None]
) -> None:
    with pytest.raises(CloutError, match=r"^scores: no day is published in .* yet; run `clout run`$"):
        queries.newest_day(warehouse)
    published([ANA])
    published([ANA], NEXT + timedelta(days=9), methodology="2031.01")  # an unofficial methodology is not the newest
    with pytest.raises(
        CloutError, match=r"^scores 2026-11-04 \(2026.11\): not published; the newest published day is 2026-"
    ):
        queries.top(decide(warehouse), NEXT, VERSION, 3)
    assert queries.newest_day(warehouse) == DAY
    assert queries.newest_day(warehouse, "2031.01") == NEXT + timedelta(days=9)


@pytest.mark.parametrize("who", ["twitter:1", "ana", "@ana"])
def test_a_history_is_one_persons_days_in_order_under_the_official_methodology(
    warehouse: Warehouse, published: Callable[..., None], who: str
) -> None:
    published([ANA | {"rank": 7}, BO], NEXT)
    published([ANA, BO])
    published([ANA], NEXT, methodology="2031.01")
    assert queries.history(decide(warehouse), who, None).select(["day", "methodology", "rank"]).to_pylist() == [
        {"day": DAY, "methodology": VERSION, "rank": 1},
        {"day": NEXT, "methodology": VERSION, "rank": 7},
    ]
    assert queries.history(decide(warehouse), who, "2031.01")["day"].to_pylist() == [NEXT]


def test_a_handle_of_several_people_asks_for_one_of_them(warehouse: Warehouse, published: Callable[..., None]) -> None:
    published([ANA, BO | {"handle": "ana"}])
    with pytest.raises(
        UsageError, match=r"^'ana' is the handle of several people: twitter:1, twitter:2; give one person_id$"
    ):
        queries.history(decide(warehouse), "ana", None)


def test_who_is_not_published_is_nobody(warehouse: Warehouse, published: Callable[..., None]) -> None:
    published([ANA])
    for who in ("zoe", "twitter:9", "' or 1=1"):
        with pytest.raises(CloutError, match=r"^scores: no published person is called"):
            queries.history(decide(warehouse), who, None)


def test_a_day_is_exported_whole_as_parquet_or_csv(
    warehouse: Warehouse, published: Callable[..., None], tmp_path: Path
) -> None:
    published([ANA, BO, DI])
    published([CY], NEXT)
    assert queries.export(decide(warehouse), DAY, VERSION, tmp_path / "day.parquet") == 3
    expected = queries.top(decide(warehouse), DAY, VERSION, 9)
    exported = pq.read_table(tmp_path / "day.parquet")
    assert set(exported["ground"].to_pylist()) == {REASON}
    assert arrow.sorted_by_grain(SCORES, exported.drop_columns("ground")).equals(expected)
    assert queries.export(decide(warehouse), DAY, VERSION, tmp_path / "day.csv") == 3
    header, first, *_ = (tmp_path / "day.csv").read_text(encoding="utf-8").splitlines()
    assert header == ",".join(f'"{name}"' for name in (*SCORES.column_names, "ground"))
    assert first.startswith('2026-11-03,"2026.11","twitter:1"')


def test_an_export_appears_whole_or_not_at_all(
    warehouse: Warehouse, published: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published([ANA])
    (tmp_path / "day.csv").write_text("yesterday's")
    with pytest.raises(UsageError, match=r"the name must end in \.parquet or \.csv$"):
        queries.export(decide(warehouse), DAY, VERSION, tmp_path / "day.xlsx")
    with pytest.raises(UsageError, match=r"day\.csv: cannot be written \(No such file or directory\)$"):
        queries.export(decide(warehouse), DAY, VERSION, tmp_path / "no folder" / "day.csv")
    with pytest.raises(CloutError, match=r"nobody is published, nothing exported$"):
        queries.export(decide(warehouse), NEXT, VERSION, tmp_path / "day.csv")

    def broken(table: Table, partition: Mapping[str, Any], version: int | None = None) -> pa.RecordBatchReader:
        def batch(_: object) -> None:
            raise OSError("the disk is gone")

        return pa.RecordBatchReader.from_batches(arrow.schema(SCORES), map(batch, "1"))

    monkeypatch.setattr(warehouse, "reader", broken)
    with pytest.raises(OSError, match="the disk is gone"):
        queries.export(decide(warehouse), DAY, VERSION, tmp_path / "day.csv")
    assert [(path.name, path.read_text()) for path in own_files(tmp_path)] == [("day.csv", "yesterday's")]


def own_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("show --top 9", "Highest scores of 2026-11-03"),
        ("show twitter:1", "twitter:1"),
        ("show --top 9 --csv", ",,test data\n"),  # nothing is known beside the score; on which ground
        ("restatements", "no published day was changed"),
        ("export --to scores.csv", "scores.csv: 2 people"),
        ("explain twitter:1", "not published, so there is nothing to explain"),  # nothing is on record
    ],
)
def test_commands_that_read_write_nothing_but_who_looked_at_whom(
    warehouse: Warehouse,
    published: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    asked: str,
    said: str,
) -> None:
    published([ANA, BO])
    before = {table.name: warehouse.version(table) for table in TABLES if table is not LOOKUPS}
    monkeypatch.setenv("CLOUT_WAREHOUSE", warehouse.root)
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(main.app, asked.split())
    assert said in ran.output + str(ran.exception)
    assert {table.name: warehouse.version(table) for table in TABLES if table is not LOOKUPS} == before
