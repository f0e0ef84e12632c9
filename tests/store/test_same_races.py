"""Races, and pulls killed before any commit, as on a disk; and a race of both kinds of writers."""

from collections.abc import Callable
from datetime import date
from typing import Any

from jobs.warehouse.storage import Warehouse
from schemas.influence import INFLUENCE
from tests.fixture_types import ArrowRows, SparkRows
from tests.jobs.warehouse.racing import race, winner_and_loser
from tests.jobs.warehouse.test_decision_commits import (  # noqa: F401
    test_a_pull_killed_at_any_point_leaves_one_pull_whole_and_the_next_repairs_everything,
)
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
