"""What a warehouse of an earlier or a newer clout gets: one line that says what to run, and an upgrade that loses nothing."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from jobs import night_settings as settings
from jobs.cli import doctor, main
from jobs.errors import UsageError
from jobs.warehouse import creation, publications, retention, runs, upgrade
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import LostRaceError, Warehouse, rows
from schemas import arrow, delta
from schemas.accounts import ACCOUNTS
from schemas.catalog import TABLES
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.methodologies import METHODOLOGIES
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.publications import PUBLICATIONS
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)
CAME_SINCE = ["amplification", "inclusion"]
SCORED = {"methodology": "2026.11", "day": DAY}


def upgraded(warehouse: Warehouse) -> list[str]:
    return list(upgrade.run(warehouse))


def state(warehouse: Warehouse) -> dict[str, int]:
    """Table -> version, of those that are there."""
    return {t.name: warehouse.version(t) for t in TABLES if DeltaTable.is_deltatable(warehouse.path(t))}


def earlier(warehouse: Warehouse, arrow_rows: ArrowRows, spark_too: bool = False) -> None:
    """Makes of an empty warehouse one of an earlier clout: no publications, columns missing, other docs and properties, and
    nothing that says which contracts it has. One person is published."""
    shutil.rmtree(warehouse.path(PUBLICATIONS))
    for table in (SCORES, ACCOUNTS, REJECTS, METHODOLOGIES, *((INFLUENCE,) if spark_too else ())):
        shutil.rmtree(warehouse.path(table))
        people = table in (SCORES, INFLUENCE)
        found = arrow_rows(table, [{"score": 7.0, "influence": 3.0} if people else {}])
        found = (
            found.drop_columns(CAME_SINCE)
            if people
            else found.drop_columns(["pull"] if "pull" in table.column_names else [])
        )
        found = found.cast(pa.schema([field.with_metadata({"comment": "once"}) for field in found.schema]))
        write_deltalake(warehouse.path(table), found, partition_by=list(table.partition_by), name=table.name)


@pytest.mark.parametrize("command", ["show ana", "explain twitter:ana", "restatements", "publish --day 2026-11-03",
    "checks --day 2026-11-03", "pull --day 2026-11-03 --source sample", "run --source sample",
    "run --source sample --dry-run", "export --to scores.csv"])  # fmt: skip
def test_every_command_says_what_to_run_and_changes_nothing(
    warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.setenv("CLOUT_WAREHOUSE", warehouse.root)
    monkeypatch.chdir(tmp_path)
    earlier(warehouse, arrow_rows)
    before = state(warehouse)
    for versions, message in (
        (None, "an earlier version of clout made this warehouse; run `clout upgrade`"),
        ({"scores": 1}, "an earlier version of clout made this warehouse; run `clout upgrade`"),
        (
            creation.contracts() | {"scores": 99},
            "a newer version of clout made this warehouse (scores 99); update clout",
        ),
        (creation.contracts() | {"topics": 1}, "a newer version of clout made this warehouse (topics 1); update clout"),
    ):
        if versions:
            marker = warehouse.delta(METHODOLOGIES)
            marker.alter.set_table_properties({creation.CONTRACTS: json.dumps(versions)}, raise_if_not_exists=False)
            before["methodologies"] += 1
        ran = CliRunner().invoke(main.app, command.split())
        assert isinstance(ran.exception, UsageError)
        assert str(ran.exception) == f"{warehouse.root}: {message}"
    assert doctor._warehouse(warehouse).fault == f"{warehouse.root}: {message}"
    ran = CliRunner().invoke(main.app, ["upgrade"])
    assert "update clout" in str(ran.exception)
    assert state(warehouse) == before


def test_an_upgrade_adds_tables_columns_docs_and_properties_and_keeps_rows(
    warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    earlier(warehouse, arrow_rows)
    version = warehouse.version(SCORES)
    lines = upgraded(warehouse)
    assert [line.partition(":")[0] for line in lines] == [
        "accounts",
        "rejects",
        "scores",
        "publications",
        "methodologies",
    ]
    (line,) = (line for line in lines if line.startswith("scores: "))
    assert line.startswith("scores: column amplification added, column inclusion added, docs reworded, delta.")
    assert warehouse.read(SCORES, SCORED).equals(arrow_rows(SCORES, [{"score": 7.0, "influence": 3.0}]))
    assert warehouse.read(SCORES, SCORED, version=version).equals(warehouse.read(SCORES, SCORED))
    for table in TABLES:
        metadata = warehouse.delta(table).metadata()
        assert metadata.description == table.doc
        assert retention.properties(table, settings.nights()).items() <= metadata.configuration.items()
        docs = {field.name: field.metadata["comment"] for field in warehouse.delta(table).schema().fields}
        assert docs == {column.name: column.doc for column in table.columns}
        assert warehouse.delta(table).protocol().min_reader_version == 1
    warehouse.require_current()
    before = state(warehouse)
    assert upgraded(warehouse) == []
    assert state(warehouse) == before


def test_a_removed_column_goes_with_the_rows_of_a_table_that_only_saves_time(
    warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    """`monthly_weights` once had a column `answerable`."""
    shutil.rmtree(warehouse.path(MONTHLY_WEIGHTS))
    rows_of_now = arrow_rows(MONTHLY_WEIGHTS, [{"month": date(2026, 10, 1), "basis": "b"}])
    earlier_rows = rows_of_now.append_column(pa.field("answerable", pa.int64(), nullable=False), pa.array([1]))
    write_deltalake(warehouse.path(MONTHLY_WEIGHTS), earlier_rows, partition_by=list(MONTHLY_WEIGHTS.partition_by))
    (line,) = upgraded(warehouse)
    assert line.startswith("monthly_weights: column answerable removed, and all rows, which the next runs make again,")
    assert warehouse.read(MONTHLY_WEIGHTS).num_rows == 0
    place = {name: rows_of_now[name][0].as_py() for name in MONTHLY_WEIGHTS.partition_by}
    warehouse.replace(MONTHLY_WEIGHTS, rows_of_now.to_reader(), place, run_id="r", job="j")
    assert warehouse.read(MONTHLY_WEIGHTS).equals(rows_of_now)
    metadata = warehouse.delta(MONTHLY_WEIGHTS).metadata()
    assert retention.properties(MONTHLY_WEIGHTS, settings.nights()).items() <= metadata.configuration.items()
    assert upgraded(warehouse) == []


def test_a_table_that_spark_fills_is_upgraded_too_and_filled_again(
    spark: SparkSession, warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    earlier(warehouse, arrow_rows, spark_too=True)
    upgraded(warehouse)
    assert warehouse.read(INFLUENCE, SCORED).equals(arrow_rows(INFLUENCE, [{"score": 7.0, "influence": 3.0}]))
    frame = warehouse.frame(spark, INFLUENCE, SCORED)
    assert frame.toArrow().equals(warehouse.read(INFLUENCE, SCORED).cast(frame.toArrow().schema))
    warehouse.replace_by_spark(INFLUENCE, frame, SCORED, run_id="r", job="j")
    assert warehouse.read(INFLUENCE, SCORED).equals(arrow_rows(INFLUENCE, [{"score": 7.0, "influence": 3.0}]))


def test_another_wording_is_no_other_version_and_rewrites_nothing(
    warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two checkouts with different wordings of a doc work on one warehouse."""
    before = state(warehouse)
    found = arrow.schema(REJECTS)
    reworded = [field.with_metadata({"comment": f"once {field.name}"}) for field in found]
    shutil.rmtree(warehouse.path(REJECTS))
    DeltaTable.create(warehouse.path(REJECTS), pa.schema(reworded), partition_by=list(REJECTS.partition_by))
    warehouse.create_tables()
    warehouse.replace(REJECTS, arrow_rows(REJECTS, [{}]), {"day": DAY}, run_id="r", job="j")
    assert state(warehouse) == before | {"rejects": 1}
    assert {field.metadata["comment"] for field in warehouse.delta(REJECTS).schema().fields} == {
        f"once {name}" for name in REJECTS.column_names
    }


def test_a_write_that_an_upgrade_aborts_names_it(
    warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lost to no other run."""
    commit = DeltaTable.create_write_transaction

    def meanwhile(opened: DeltaTable, *given: Any, **named: Any) -> None:
        warehouse.own(REJECTS).alter.set_column_metadata("reason", {"comment": "another wording"})
        commit(opened, *given, **named)

    monkeypatch.setattr(DeltaTable, "create_write_transaction", meanwhile)
    with pytest.raises(
        LostRaceError, match=r"^rejects 2026-11-03: the table was altered meanwhile \(`clout upgrade`\);"
    ):
        warehouse.replace(REJECTS, arrow_rows(REJECTS, [{}]), {"day": DAY}, run_id="r", job="j")
    assert warehouse.read(REJECTS).num_rows == 0


# What the properties are


def test_the_log_knows_no_person(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    """Neither a commit nor a checkpoint holds an id: an erasure rewrites neither."""
    for table in TABLES:
        statistics = delta.STATISTICS[table.name]
        assert set(statistics) <= {*table.column_names} - {*table.partition_by}
        assert not set(statistics) & {
            "person_id",
            "account_id",
            "actor_id",
            "target_id",
            "src",
            "dst",
            "handle",
            "excerpt",
        }
    secret = "someone-whom-nobody-may-find"
    for table, record in ((SCORES, {"person_id": secret, "handle": secret}), (ACCOUNTS, {"account_id": secret}),
                          (ENGAGEMENT, {"src": secret, "dst": secret})):  # fmt: skip
        warehouse.replace(table, arrow_rows(table, [record]), {"day": DAY}, run_id="r", job="j")
        warehouse.delta(table).create_checkpoint()
        for path in Path(warehouse.path(table), "_delta_log").iterdir():
            assert secret.encode() not in path.read_bytes()


@pytest.mark.integration
def test_what_is_kept_and_for_how_long_is_decided_in_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "nights.yaml"
    file.write_text("keep_replaced_days: 60\n")
    monkeypatch.setenv("CLOUT_NIGHTS", str(file))
    made = Warehouse(str(tmp_path / "warehouse"))
    made.create_tables()
    expected = {
        "delta.deletedFileRetentionDuration": "interval 60 days",
        "delta.logRetentionDuration": "interval 67 days",
    }
    for table in TABLES:
        assert expected.items() <= made.delta(table).metadata().configuration.items()
    file.write_text("keep_replaced_days: 10\n")
    made.require_current()  # a setting is no contract
    assert len(upgraded(made)) == len(TABLES)


# Days that were published before there was a table of publications


def ran(warehouse: Warehouse, job: str, *, day: date = DAY, people: int | None = None, **parameters: Any) -> str:
    """A run as an earlier clout recorded it."""
    with runs.recorded(warehouse, job, day, Batch("test"), methodology="2026.11", **parameters) as row:
        if job == "influence":
            row.uncovered_days = {"twitter": [str(DAY - timedelta(days=n)) for n in range(1, 180)]}
        if people is not None:
            row.counts["people"] = people
    return row.id


def test_days_of_an_earlier_clout_are_recorded_as_far_as_runs_knows(
    warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    earlier(warehouse, arrow_rows)
    scored = ran(warehouse, "influence")
    ran(warehouse, "publish", people=3, influence_run="of another day")
    ran(warehouse, "unpublish", people=3)
    ran(warehouse, "publish", people=1, influence_run=scored)
    ran(warehouse, "publish", day=NEXT, people=2, influence_run=scored)
    ran(warehouse, "unpublish", day=NEXT, people=2)
    assert upgraded(warehouse)[-1] == "publications: 5 changes of published days recorded, as far as `runs` knows them"
    assert warehouse.version(PUBLICATIONS) == 1  # one commit after the table's creation, however many days
    first, withdrawn, newest = publications.history(warehouse, "2026.11", DAY)
    assert [(row.sequence, row.change, row.people) for row in (first, withdrawn, newest)] == [
        (1, "publish", 3), (2, "unpublish", 0), (3, "publish", 1),
    ]  # fmt: skip
    assert (first.influence_run, first.influence, first.covered_days) == (None, None, None)
    assert (newest.influence_run, newest.influence, newest.covered_days) == (scored, 3.0, {"twitter": [str(DAY)]})
    assert (newest.activity_digests, newest.replaced_version, newest.published_by) == (None, None, None)
    assert newest.scores_digest is not None
    assert publications.current(warehouse, "2026.11", DAY) == newest
    assert publications.current(warehouse, "2026.11", NEXT) is None
    assert upgraded(warehouse) == []
    assert rows(PUBLICATIONS, []).num_rows == 0
    assert warehouse.read(RUNS).num_rows == 6
