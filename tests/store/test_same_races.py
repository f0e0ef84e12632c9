"""Races as on a disk, a race of both kinds of writers, and killed pulls."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from jobs.warehouse.storage import Warehouse
from schemas.influence import INFLUENCE
from tests.fixture_types import ArrowRows, SparkRows
from tests.jobs.warehouse.deciding import (
    EARLIER,
    NEWER,
    NEXT,
    Killed,
    Walked,
    assert_nothing_is_left_of_others,
    pull,
    seen,
)
from tests.jobs.warehouse.racing import race, winner_and_loser
from tests.jobs.warehouse.test_decision import kill_at
from tests.jobs.warehouse.test_races import (  # noqa: F401
    test_bookkeeping_of_processes_that_collide_is_repeated_until_all_is_there,
    test_of_two_spark_writers_of_one_partition_one_wins,
    test_of_two_writers_of_one_partition_one_wins_and_the_other_says_to_whom_it_lost,
    test_spark_writers_of_other_partitions_do_not_hinder_each_other,
    test_writers_of_other_partitions_do_not_hinder_each_other,
)

DAY = date(2026, 11, 3)


def test_of_a_spark_writer_and_one_without_spark_one_wins(
    warehouse: Warehouse, frame: SparkRows, arrow_rows: ArrowRows, meeting: Callable[[int], None]
) -> None:
    partition = {"methodology": "2026.11", "day": DAY}
    writers: dict[str, tuple[Callable[..., None], Any]] = {
        "spark": (warehouse.replace_by_spark, frame(INFLUENCE, [{"day": DAY, "person_id": "twitter:spark"}])),
        "arrow": (warehouse.replace, arrow_rows(INFLUENCE, [{"day": DAY, "person_id": "twitter:arrow"}])),
    }
    meeting(2)

    def write(name: str) -> None:
        replace, rows = writers[name]
        replace(INFLUENCE, rows, partition, run_id=name, job="influence")

    winner, _ = winner_and_loser(race(write, *writers))
    assert warehouse.read(INFLUENCE)["person_id"].to_pylist() == [f"twitter:{winner}"]


@pytest.mark.parametrize("commit", ["append activity", "replace coverage"])
def test_a_killed_pull_leaves_the_earlier_one_whole_and_the_next_repairs_everything(
    before: Callable[[], str], commit: str
) -> None:
    """On a disk, every other commit too."""
    warehouse = Warehouse(before())
    with pytest.raises(Killed):
        pull(Walked(warehouse.root, kill_at(commit)), NEWER)
    assert seen(warehouse) is EARLIER
    pull(warehouse, NEXT)
    assert seen(warehouse) is NEXT
    assert_nothing_is_left_of_others(warehouse)
