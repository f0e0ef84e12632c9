"""Acts put into a warehouse as a pull would put them, and what the jobs make of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs import checks, engagement, influence, publish
from jobs.warehouse.digests import of_texts
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.methodology import Methodology, load
from schemas.table import Table
from tests.fixture_types import ArrowRows
from tests.grounds import publish_everybody
from tests.jobs.by_spark import by_spark_alone

OFFICIAL = load("2026.11")


class Did(NamedTuple):
    """One act. Each is another one, unless two are given the same `id`."""

    day: date
    platform: str
    kind: str
    actor: str
    target: str
    id: str | None = None


class World:
    def __init__(
        self,
        warehouse: Warehouse,
        arrow_rows: ArrowRows,
        spark: SparkSession | None = None,
        engine: str = "memory",
    ) -> None:
        """Its days are counted and scored by Spark if there is a session, else by DuckDB."""
        self.warehouse, self.arrow_rows, self.engine = warehouse, arrow_rows, engine
        self._spark = spark
        self.warehouse.create_tables()
        publish_everybody(self.warehouse)
        self.batch = Batch("test")
        self._covered: set[tuple[date, str]] = set()
        self._acts: dict[tuple[date, str, str], list[dict[str, Any]]] = {}
        self._observed: dict[tuple[date, str, str], list[dict[str, Any]]] = {}

    def spark(self) -> SparkSession:
        assert self._spark is not None, "a world without Spark"
        return self._spark

    def _place(self) -> AbstractContextManager[None]:
        return nullcontext() if self._spark is None else by_spark_alone()

    def write(self, table: Table, records: list[dict[str, Any]], **partition: Any) -> None:
        self.warehouse.replace(table, self.arrow_rows(table, records), partition, run_id="test", job="test")

    def cover(self, day: date, platform: str) -> None:
        """Source `test` reports on the platform that day, and so does every other that has acts there."""
        self.cover_days([day], platform)

    def cover_days(self, days: Collection[date], platform: str) -> None:
        """As `cover`, many days in one commit."""
        self._covered |= {(day, platform) for day in days}
        self._write_coverage([*days])

    def continue_from(self, other: "World") -> None:
        """Knows what the other world put into the warehouse, of which this one has a copy."""
        self._covered, self._acts = {*other._covered}, {**other._acts}
        self._observed = {**other._observed}

    def uncover(self, day: date, platform: str) -> None:
        self._covered.discard((day, platform))
        self._write_coverage([day])

    def put(self, source: str, acts: Iterable[Did]) -> None:
        """Everything this source reports, instead of what it did before; it counts on days that are covered."""
        found: dict[tuple[date, str, str], list[dict[str, Any]]] = {
            place: [] for place in self._acts if place[2] == source and self._acts[place]
        }
        for number, act in enumerate(acts):
            record = {"day": act.day, "platform": act.platform, "source": source, "kind": act.kind, "actor_id": act.actor,
                      "target_id": act.target, "activity_id": act.id or f"{source}-{number}"}  # fmt: skip
            found.setdefault((act.day, act.platform, source), []).append(record)
        for (day, platform, _), records in sorted(found.items()):
            self.write(ACTIVITY, records, day=day, platform=platform, source=source)
        self._acts |= found
        self._write_coverage(sorted({day for day, _, _ in found}))

    def observe(self, day: date, platform: str, records: list[dict[str, Any]]) -> None:
        """What source `test` saw of accounts that day; it counts if the day is covered."""
        rows = [{"day": day, "platform": platform, "source": "test", **record} for record in records]
        self.write(ACCOUNTS, rows, day=day, platform=platform, source="test")
        self._observed[day, platform, "test"] = rows
        self._write_coverage([day])

    def _write_coverage(self, days: list[date]) -> None:
        rows = []
        for day, platform in sorted(place for place in self._covered if place[0] in days):
            there = {source for (*place, source), acts in self._acts.items() if acts and place == [day, platform]}
            for source in sorted(there | {"test"}):
                place = (day, platform, source)
                content = {"activity_digest": self._acts, "accounts_digest": self._observed}
                digests = {name: of_texts(sorted(map(repr, rows.get(place, [])))) for name, rows in content.items()}
                act_count = len(self._acts.get((day, platform, source), []))
                rows.append({"day": day, "platform": platform, "source": source, "act_count": act_count, **digests})
        if days:
            self.write(COVERAGE, rows, day=tuple(days))

    def count(self, day: date, first_day: date | None = None) -> list[date]:
        params = engagement.Params(day=day, first_day=first_day or OFFICIAL.first_day(day))
        with self._place():
            return engagement.run(self.spark, self.warehouse, params, self.batch)

    def score_counted(self, day: date, methodology: Methodology = OFFICIAL) -> dict[str, dict[str, Any]]:
        params = influence.Params(day=day, methodology=methodology)
        with self._place():
            influence.run(self.spark, self.warehouse, params, self.batch, self.engine)
        return self.people(day, methodology)

    def score(self, day: date, methodology: Methodology = OFFICIAL) -> dict[str, dict[str, Any]]:
        self.count(day, methodology.first_day(day))
        return self.score_counted(day, methodology)

    def publish(self, day: date, methodology: Methodology = OFFICIAL) -> None:
        """Counts and scores the day, checks and publishes it."""
        self.count(day, methodology.first_day(day))
        self.publish_counted(day, methodology)

    def publish_counted(self, day: date, methodology: Methodology = OFFICIAL) -> None:
        self.score_counted(day, methodology)
        checks.run(self.warehouse, checks.Params(day=day, methodology=methodology.version), self.batch)
        publish.run(self.warehouse, publish.Params(day=day, methodology=methodology), self.batch)

    def people(self, day: date, methodology: Methodology = OFFICIAL) -> dict[str, dict[str, Any]]:
        """person_id -> row of `influence`."""
        found = self.warehouse.read(INFLUENCE, {"methodology": methodology.version, "day": day})
        return {row["person_id"]: row for row in found.to_pylist()}


def files(warehouse: Warehouse, table: Table) -> dict[tuple[Any, ...], list[str]]:
    """Partition -> its files, as the newest version of the table's log names them."""
    found = defaultdict(list)
    for file in pa.table(warehouse.delta(table).get_add_actions(flatten=True)).to_pylist():
        found[tuple(file[f"partition.{name}"] for name in table.partition_by)].append(file["path"])
    return {place: sorted(paths) for place, paths in found.items()}
