"""Which files a question opens, through a warehouse's own reading."""

import shutil
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs

from jobs.warehouse import arrow_writer, data_files, pruning
from jobs.warehouse.commits import Span
from jobs.warehouse.data_files import Change
from jobs.warehouse.storage import Warehouse
from schemas.rejects import REJECTS
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
PLACE = {"platform": "twitter", "day": DAY, "source": "a"}
DAYS = [DAY + timedelta(days=n) for n in range(5)]
SOURCES = ("a b", "x%20y", "é/q=1")  # paths and the log write them in different ways


@pytest.fixture
def rejects(warehouse: Warehouse, arrow_rows: ArrowRows) -> Warehouse:
    for source in SOURCES:
        for day in DAYS:
            partition = {"platform": "twitter", "day": day, "source": source}
            rows = arrow_rows(REJECTS, [partition | {"reason": f"{source} {day}"}])
            warehouse.replace(REJECTS, rows, partition, run_id="r", job="j")
    return warehouse


@pytest.mark.parametrize(
    ("partition", "expected"),
    [
        ({}, 15),
        ({"day": DAY}, 3),
        ({"day": Span(DAYS[1], DAYS[3])}, 9),
        ({"day": (DAYS[0], DAYS[4]), "source": SOURCES[1:]}, 4),
        ({"day": DAY, "source": "x y"}, 0),
        ({"day": DAY, "reason": "no column that a table is partitioned by"}, 3),
    ],
)
def test_only_files_of_the_partition_are_looked_at(
    rejects: Warehouse, partition: dict[str, Any], expected: int
) -> None:
    assert len(rejects.dataset(REJECTS, partition).files) == expected


def test_the_logs_bounds_of_texts_exclude_files(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    for pulls in (["a"], ["b", "d"], ["e"], [None], ["f", None]):
        rows = [{**PLACE, "line": number, "pull": pull} for number, pull in enumerate(pulls)]
        warehouse.append(REJECTS, arrow_rows(REJECTS, rows), PLACE, run_id="r", job="j")

    def asked(pull: Any) -> tuple[int, int]:
        partition = {"pull": pull}
        found = warehouse.dataset(REJECTS, partition)
        return len(found.files), warehouse.read(REJECTS, partition).num_rows

    unknown = 1  # a file without texts has no bounds
    assert asked("a") == (1 + unknown, 1)
    assert asked("c") == (1 + unknown, 0)
    assert asked("z") == (unknown, 0)
    assert asked(("a", "e")) == (3 + unknown, 2)  # "b" and "d" are between them
    assert asked(("d", "f")) == (2 + unknown, 2)
    assert asked((None, "a")) == (5, 3)
    assert asked((None,)) == (5, 2)
    assert asked(()) == (1 + unknown, 0)  # one has two texts
    warehouse.delete(REJECTS, {**PLACE, "pull": ("b", None)}, run_id="r", job="j")
    assert sorted(warehouse.read(REJECTS, columns=["pull"])["pull"].to_pylist()) == ["a", "d", "e", "f"]


VALUES = st.sampled_from([None, "a", "b", "c"])
PARTITIONS = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from("abc") | st.lists(VALUES).map(tuple),
        "day": st.builds(Span, st.sampled_from(DAYS), st.sampled_from(DAYS)) | st.sampled_from(DAYS),
    },
)


@given(st.lists(st.tuples(VALUES, st.sampled_from([None, *DAYS]))), PARTITIONS)
def test_rows_in_memory_are_filtered_as_a_dataset_is(rows: list[tuple], partition: dict[str, Any]) -> None:
    texts, days = zip(*rows, strict=True) if rows else ((), ())
    columns = {"number": range(len(rows)), "text": pa.array(texts, pa.string()), "day": pa.array(days, pa.date32())}
    table = pa.table(columns)
    inside = pruning.within(table, partition)
    assert inside.equals(ds.dataset(table).to_table(filter=pruning.expression(partition)))
    outside = pruning.outside(table, partition)
    assert sorted(inside["number"].to_pylist() + outside["number"].to_pylist()) == list(range(len(rows)))
    batch = table.combine_chunks().to_batches()[0] if rows else pa.RecordBatch.from_pylist([], table.schema)
    assert pa.Table.from_batches([pruning.outside(batch, partition)]).equals(outside)


def test_rows_come_with_the_columns_of_their_partition(rejects: Warehouse) -> None:
    for source in SOURCES:
        found = rejects.read(REJECTS, {"source": source, "day": Span(DAYS[1], DAYS[2])}).sort_by("day").to_pylist()
        assert [(row["day"], row["source"], row["reason"]) for row in found] == [
            (day, source, f"{source} {day}") for day in DAYS[1:3]
        ]
    assert rejects.reader(REJECTS, {"day": DAY}).read_all().num_rows == 3
    assert rejects.row_count(REJECTS, {"day": DAY, "reason": f"a b {DAY}"}) == 1
    assert rejects.read(REJECTS, where=pc.field("day") == DAY).num_rows == 3


def test_rows_of_partitions_are_counted_in_the_log_if_it_knows_them(rejects: Warehouse, arrow_rows: ArrowRows) -> None:
    files = fs.SubTreeFileSystem(rejects.path(REJECTS), fs.LocalFileSystem())
    row = {"platform": "twitter", "day": DAY, "source": "other"}
    (written,) = arrow_writer.write(REJECTS, arrow_rows(REJECTS, [row, row]).to_batches(), files)
    delta = rejects.delta(REJECTS)
    data_files.commit(delta, Change([replace(written, stats="{}")], pruning.files(delta).slice(0, 0)), "{}", retries=0)
    assert pruning.row_count(rejects.delta(REJECTS), {"day": DAY}) is None
    assert rejects.row_count(REJECTS, {"day": DAY}) == 5
    assert rejects.row_count(REJECTS, {"day": tuple(DAYS[1:])}) == 12
    shutil.rmtree(rejects.path(REJECTS) + f"/platform=twitter/day={DAYS[1]}")
    assert rejects.row_count(REJECTS, {"day": tuple(DAYS[1:])}) == 12


def test_files_are_listed_from_the_log_at_a_version(rejects: Warehouse) -> None:
    assert pruning.files(rejects.delta(REJECTS, 1)).num_rows == 1
    assert set(pruning.files(rejects.delta(REJECTS)).column_names) == {
        "path",
        "size_bytes",
        "platform",
        "day",
        "source",
    }
