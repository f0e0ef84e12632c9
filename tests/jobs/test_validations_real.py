"""Scores of a real week against what an independent prototype measured of them before this code was written."""

import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from jobs import validations
from jobs.backends import duck
from jobs.engines import memory
from jobs.validation.figures import Figure
from jobs.validation.tables import Params, Validation
from jobs.warehouse import counted
from jobs.warehouse.basis import Basis
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import covered_days
from jobs.why import attention_graph
from schemas import arrow
from schemas.fixed_point import UNIT
from schemas.influence import INFLUENCE
from tests.jobs.higgs import FIRST, OFFICIAL

# Day -> AUC of who is reshared afterwards, among people with whom somebody had engaged.
MEASURED = {
    date(2012, 7, 4): {"2026.11": 0.751, "engagers": 0.765, "faded_acts": 0.759, "pagerank": 0.720},
    date(2012, 7, 5): {"2026.11": 0.784, "engagers": 0.797, "faded_acts": 0.805, "pagerank": 0.755},
}


def score(warehouse: Warehouse, day: date) -> None:
    """Writes everybody's score of that day, computed without Spark, into `influence`; other columns are plain."""
    now = counted.snapshot(warehouse)
    basis = Basis(day=day, methodology=OFFICIAL, covered=covered_days(warehouse, FIRST, day), now=now)
    with duck.database() as db:
        attention_graph.prepare(db, warehouse, basis, "now")
        edges = db.sql("select src, dst, a from spread_now order by src, dst").to_arrow_table()
        people, src, dst = memory.numbered(edges["src"], edges["dst"])
        sums = memory.influence(src, dst, edges["a"].to_numpy(), len(people), OFFICIAL.rounds).sums
        db.register("held", pa.table({"person_id": people, "influence": sum(sums) * UNIT}))
        scored = db.sql(
            """
            select $day::date as day, $version as methodology, person_id, 'twitter' as platform, null::text as handle,
                false as simulated, influence, influence as direct, 0.0 as second, 0.0 as third,
                least(100, 100 * ln(1 + influence / $resolution) / ln(1 + $full / $resolution)) as score, 1::bigint as rank,
                0.0 as percentile, 0::bigint as engager_count, 1.0 as window_coverage, null::double as amplification,
                null::double as inclusion
            from held
            """,
            params={
                "day": day,
                "version": OFFICIAL.version,
                "resolution": OFFICIAL.resolution,
                "full": OFFICIAL.full_scale,
            },
        ).to_arrow_table()
    place = {"methodology": OFFICIAL.version, "day": day}
    warehouse.replace(INFLUENCE, scored.cast(arrow.schema(INFLUENCE)), place, run_id="r", job="influence")


@pytest.fixture(scope="module")
def validated(higgs: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> dict[date, Validation]:
    copied = Path(shutil.copytree(higgs.root, tmp_path_factory.mktemp("validated") / "warehouse"))
    return {day: validate(Warehouse(str(copied)), day) for day in MEASURED}


def validate(warehouse: Warehouse, day: date) -> Validation:
    score(warehouse, day)
    return validations.run(warehouse, Params(day=day, methodologies=(OFFICIAL,), ahead=7, outcome="reshared"))


def figure(validation: Validation, predictor: str, name: str, leader: str = "") -> Figure:
    found = validation.whole.figure(predictor, name, leader)
    assert found is not None
    return found


@pytest.mark.parametrize("day", MEASURED, ids=str)
def test_figures_of_a_real_week_are_those_that_were_measured(validated: dict[date, Validation], day: date) -> None:
    found = {name: figure(validated[day], name, "auc") for name in MEASURED[day]}
    assert {name: round(each.value, 3) for name, each in found.items()} == MEASURED[day]
    assert all(each.low < each.value < each.high for each in found.values())


def test_the_official_score_ranks_better_than_pagerank_and_worse_than_a_count(
    validated: dict[date, Validation],
) -> None:
    for found in validated.values():
        assert figure(found, "pagerank", "lead_auc", "2026.11").low > 0
        assert figure(found, "engagers", "lead_auc", "2026.11").high < 0
