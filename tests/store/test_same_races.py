"""Races, and pulls killed before any commit, as on a disk."""

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
