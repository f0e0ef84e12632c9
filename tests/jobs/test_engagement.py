"""What counts as one act."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import pyarrow.dataset as ds
import pytest
from pyspark.sql import DataFrame

from jobs import few_acts
from jobs.many_acts import engagement, undisputed
from schemas import spark as contract
from schemas.activity import ACTIVITY
from schemas.engagement import ENGAGEMENT
from tests.fixture_types import ArrowRows, SparkRows

DAY = date(2026, 11, 3)
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
NOON_PLUS_1S = NOON + timedelta(seconds=1)


COUNTED = ("src", "dst", "platform", "kind", "act_count")


def counted(frame: DataFrame) -> list[tuple]:
    """`COUNTED`, in order, of one day."""
    rows = frame.collect()
    assert {row.day for row in rows} <= {DAY}
    return sorted(tuple(row[name] for name in COUNTED) for row in rows)


class Acts(Protocol):
    """Rows of activity, acts that are disputed, and rows of the day before -> what is counted."""

    def __call__(self, *records: dict, disputed: Sequence[dict] = (), before: Sequence[dict] = ()) -> list[tuple]: ...


@pytest.fixture(params=["DuckDB", pytest.param("Spark", marks=pytest.mark.spark)])
def acts(request: pytest.FixtureRequest, arrow_rows: ArrowRows) -> Acts:
    """By DuckDB or by Spark."""

    def by_duckdb(*records: dict, disputed: Sequence[dict] = (), before: Sequence[dict] = ()) -> list[tuple]:
        reports, earlier = (ds.dataset(arrow_rows(ACTIVITY, list(given))) for given in (records, before))
        with few_acts.counted(reports, disputed, earlier if before else None) as found:
            rows = found.read_all().to_pylist()
        assert {row["day"] for row in rows} <= {DAY}
        return [tuple(row[name] for name in COUNTED) for row in rows]

    def by_spark(*records: dict, disputed: Sequence[dict] = (), before: Sequence[dict] = ()) -> list[tuple]:
        rows: SparkRows = request.getfixturevalue("rows")
        reports = undisputed(rows(ACTIVITY, list(records)), disputed)
        return counted(engagement(reports, rows(ACTIVITY, list(before)) if before else None))

    return by_duckdb if request.param == "DuckDB" else by_spark


def test_a_reply_also_reported_as_mention_counts_once(acts: Acts) -> None:
    assert acts(
        {"kind": "mention", "occurred_at": NOON},
        {"kind": "reply", "occurred_at": NOON},  # same second: same act, and the more specific kind
        {"kind": "mention", "occurred_at": NOON_PLUS_1S},  # another act
    ) == [("twitter:ana", "twitter:bo", "twitter", "mention", 1), ("twitter:ana", "twitter:bo", "twitter", "reply", 1)]


def test_every_kind_gives_way_to_a_more_specific_one(acts: Acts) -> None:
    """From most to least: quote, reshare, reply, mention, like, follow; none of the alphabet's doing."""
    order = ("quote", "reshare", "reply", "mention", "like", "follow")
    pairs = [(more, less) for place, more in enumerate(order) for less in order[place + 1 :]]
    found = acts(
        *[
            {"kind": kind, "target_id": f"{more}-{less}", "activity_id": "1"}
            for more, less in pairs
            for kind in (less, more)
        ]
    )
    assert {dst.partition(":")[2]: (kind, count) for _, dst, _, kind, count in found} == {
        f"{more}-{less}": (more, 1) for more, less in pairs
    }


def test_what_are_two_acts(acts: Acts) -> None:
    assert acts(
        {"kind": "reply", "activity_id": "1", "object_id": "post"},  # two replies in a thread
        {"kind": "reply", "activity_id": "2", "object_id": "post"},
        {"kind": "like", "activity_id": "3", "object_id": "post"},  # a like beside them
        {"kind": "mention", "activity_id": "1", "target_id": "cy"},  # the first reply names somebody else too
    ) == [
        ("twitter:ana", "twitter:bo", "twitter", "like", 1),
        ("twitter:ana", "twitter:bo", "twitter", "reply", 2),
        ("twitter:ana", "twitter:cy", "twitter", "mention", 1),
    ]


def test_two_sources_report_the_same_act(acts: Acts) -> None:
    assert acts(
        {"kind": "like", "source": "archive", "activity_id": "1"},
        {"kind": "like", "source": "stream", "activity_id": "1"},
        {"kind": "mention", "source": "archive", "activity_id": "2"},
        {"kind": "reply", "source": "stream", "activity_id": "2"},  # and one of them knows more
    ) == [("twitter:ana", "twitter:bo", "twitter", "like", 1), ("twitter:ana", "twitter:bo", "twitter", "reply", 1)]


def test_a_reply_and_the_post_that_it_is_count_apart(acts: Acts) -> None:
    assert acts({"kind": "reply", "activity_id": "1"}, {"kind": "post", "activity_id": "1"}) == [
        ("twitter:ana", "twitter:ana", "twitter", "post", 1),
        ("twitter:ana", "twitter:bo", "twitter", "reply", 1),
    ]


def test_acts_on_oneself_are_dropped_and_posts_kept(acts: Acts) -> None:
    assert acts(
        {"kind": "like", "actor_id": "ana", "target_id": "ana"},
        {"kind": "post", "actor_id": "ana", "activity_id": "1"},
        {"kind": "post", "actor_id": "ana", "activity_id": "1", "source": "stream"},  # the same post
        {"kind": "post", "actor_id": "ana", "activity_id": "2"},
    ) == [("twitter:ana", "twitter:ana", "twitter", "post", 2)]


def test_platforms_are_apart(acts: Acts) -> None:
    """The same ids on two platforms are other people and other acts; an account id may hold colons."""
    assert acts(
        {"platform": "twitter", "activity_id": "1", "target_id": "did:plc:a"},
        {"platform": "bluesky", "activity_id": "1", "target_id": "did:plc:a"},
    ) == [
        ("bluesky:ana", "bluesky:did:plc:a", "bluesky", "like", 1),
        ("twitter:ana", "twitter:did:plc:a", "twitter", "like", 1),
    ]


def test_days_are_apart_and_rows_fit_the_contract(rows: SparkRows) -> None:
    """One act that one source reports on two days is two."""
    found = engagement(
        rows(ACTIVITY, [{"day": DAY, "activity_id": "1"}, {"day": DAY + timedelta(1), "activity_id": "1"}])
    )
    contract.check(ENGAGEMENT, found)
    assert sorted(map(tuple, found.collect())) == [
        (day, "twitter:ana", "twitter:bo", "twitter", "like", 1) for day in (DAY, DAY + timedelta(1))
    ]


def test_an_act_that_another_source_reported_the_day_before_counts_then(acts: Acts) -> None:
    def after(before: list[tuple[str, str]], day: list[tuple[str, str]]) -> list[str]:
        """Reports of the day before and of the day, each (source, activity_id) -> the ids that count on the day."""
        earlier, now = (
            [{"day": on, "source": source, "activity_id": act, "target_id": f"of {act}"} for source, act in reports]
            for on, reports in ((DAY - timedelta(1), before), (DAY, day))
        )
        return [dst.removeprefix("twitter:of ") for _, dst, *_ in acts(*now, before=earlier)]

    both = [("a", "1"), ("b", "2"), ("b", "3")]
    assert after(both, [("b", "1"), ("a", "2"), ("a", "4")]) == ["4"]
    assert after(both, [("b", "2"), ("b", "3")]) == ["2", "3"]  # one source reports them on two days: two acts each
    assert after(both, [("a", "2"), ("b", "2")]) == []  # together they are two sources, so it is one act


def test_what_is_another_act_the_day_before(acts: Acts) -> None:
    report = {"activity_id": "1", "source": "a"}
    yesterday = {**report, "day": DAY - timedelta(1), "source": "b"}
    before = [
        {**yesterday, "platform": "github"},
        {**yesterday, "actor_id": "cy"},
        {**yesterday, "target_id": "cy"},
        {**yesterday, "day": DAY - timedelta(2)},
    ]
    assert acts(report, before=before) == [("twitter:ana", "twitter:bo", "twitter", "like", 1)]


def test_a_disputed_act_does_not_count_and_every_other_does(acts: Acts) -> None:
    disputed = {"day": DAY, "platform": "twitter", "activity_id": "1", "src": "twitter:ana", "dst": "twitter:bo"}
    other = [
        {"activity_id": "2"},
        {"activity_id": "1", "platform": "github"},
        {"activity_id": "1", "actor_id": "cy"},
        {"activity_id": "1", "target_id": "cy"},
    ]
    assert acts({"activity_id": "1"}, *other, disputed=[disputed]) == acts(*other)
    assert len(acts(*other)) == 4
    day_before = {"activity_id": "2", "source": "b", "day": DAY - timedelta(1)}
    assert len(acts({"activity_id": "1"}, *other, disputed=[disputed], before=[day_before])) == 3


def test_nothing_gives_nothing(acts: Acts) -> None:
    assert acts() == []


def test_acts_are_read_and_exchanged_once(rows: SparkRows) -> None:
    """Each further exchange of a large day's acts takes seconds and memory."""
    plan = (
        engagement(rows(ACTIVITY, [{"kind": "like"}, {"kind": "post"}]))._jdf.queryExecution().executedPlan().toString()
    )
    assert (plan.count("Exchange"), plan.count("Scan")) == (1, 1)
