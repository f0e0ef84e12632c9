"""A week of real activity, the announcement of the Higgs boson, through the real jobs."""

import gzip
from datetime import date, timedelta
from pathlib import Path

from jobs import checks, engagement, influence, publish, pull_activity, session
from jobs.sources.spec import parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.methodology import Methodology, load
from tests.fixture_types import FindFile
from tests.grounds import publish_everybody

FIRST, LAST = date(2012, 7, 1), date(2012, 7, 7)
OFFICIAL = load("2026.11")


def source_of(data: FindFile) -> str:
    return f"higgs={data('twitter-higgs/higgs-activity_time.txt.gz')}"


def pull(warehouse: Warehouse, data: FindFile, last: date = LAST) -> None:
    """All days up to this one, without a JVM."""
    warehouse.create_tables()
    publish_everybody(warehouse)
    (source,) = parse_specs([source_of(data)])
    pull_activity.run(warehouse, pull_activity.Params(source=source, first_day=FIRST, last_day=last), Batch("test"))


def score(warehouse: Warehouse, last: date = LAST, methodology: Methodology = OFFICIAL) -> None:
    """All days up to this one counted, and this one scored and published, without a JVM."""
    batch = Batch("test")
    counted = engagement.Params(day=last, first_day=methodology.first_day(last))
    engagement.run(session.build, warehouse, counted, batch)
    influence.run(session.build, warehouse, influence.Params(day=last, methodology=methodology), batch, "memory")
    checks.run(warehouse, checks.Params(day=last, methodology=methodology.version), batch)
    publish.run(warehouse, publish.Params(day=last, methodology=methodology), batch)


def pull_earlier(warehouse: Warehouse, data: FindFile, folder: Path) -> date:
    """The acts between the first 20,000 people, each three days earlier, so that the week lies in two months. Returns its last
    day."""
    file = folder / "earlier.txt"
    with gzip.open(data("twitter-higgs/higgs-activity_time.txt.gz"), "rt") as lines, file.open("w") as written:
        for actor, target, second, kind in map(str.split, lines):
            if int(actor) < 20_000 and int(target) < 20_000:
                written.write(f"{actor} {target} {int(second) - 3 * 86_400} {kind}\n")
    first, last = (day - timedelta(days=3) for day in (FIRST, LAST))
    (source,) = parse_specs([f"higgs={file}"])
    pull_activity.run(warehouse, pull_activity.Params(source=source, first_day=first, last_day=last), Batch("test"))
    return last
