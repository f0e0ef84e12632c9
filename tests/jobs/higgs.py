"""A week of real activity, the announcement of the Higgs boson, through the real jobs."""

from datetime import date

from jobs import checks, engagement, influence, publish, pull_activity
from jobs.sources.spec import parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.methodology import load

FIRST, LAST = date(2012, 7, 1), date(2012, 7, 7)
OFFICIAL = load("2026.11")


def source_of(data) -> str:
    return f"higgs={data('twitter-higgs/higgs-activity_time.txt.gz')}"


def pull(warehouse: Warehouse, data) -> None:
    """All seven days, without a JVM."""
    warehouse.create_tables()
    (source,) = parse_specs([source_of(data)])
    pull_activity.run(warehouse, pull_activity.Params(source=source, first_day=FIRST, last_day=LAST), Batch("test"))


def score(spark, warehouse: Warehouse) -> None:
    """All seven days counted, the last one scored and published."""
    batch = Batch("test")
    counted = engagement.Params(day=LAST, first_day=OFFICIAL.first_day(LAST))
    engagement.run(spark, warehouse, counted, batch)
    influence.run(spark, warehouse, influence.Params(day=LAST, methodology=OFFICIAL), batch, "memory")
    checks.run(warehouse, checks.Params(day=LAST, methodology=OFFICIAL.version), batch)
    publish.run(warehouse, publish.Params(day=LAST, methodology=OFFICIAL), batch)
