"""The views, in DuckDB over tables of a few people."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from schemas import views
from schemas.consent import CONSENT
from schemas.influence import INFLUENCE
from schemas.influence_by_account import INFLUENCE_BY_ACCOUNT
from schemas.publications import PUBLICATIONS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows, SparkRows

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture
def read(arrow_rows: ArrowRows) -> Callable[..., list[tuple]]:
    """`read("scores_by_day", {SCORES: [...]})`: the view's rows over these tables."""

    def rows(view: str, tables: dict, **options: int) -> list[tuple]:
        with duckdb.connect() as db:
            for table in (CONSENT, PUBLICATIONS, INFLUENCE, INFLUENCE_BY_ACCOUNT, SCORES):
                db.register(table.name, arrow_rows(table, tables.get(table, [])))
            db.execute(views.statements(**options))
            return sorted(db.sql(f"from {view}").fetchall())

    return rows


def agreed(person: str, scope: str, hours: int = 0, **columns: Any) -> dict:
    return {
        "person_id": person,
        "scope": scope,
        "since": DAY,
        "until": None,
        "recorded_at": NOON + timedelta(hours=hours),
    } | columns


def test_the_consent_in_force_is_the_newest_that_applies(read: Callable[..., list[tuple]]) -> None:
    tables = {CONSENT: [
        agreed("x:a", "public"), agreed("x:a", "self", 1), agreed("x:b", "public"), agreed("x:b", "no"),
        agreed("x:c", "public", until=NEXT), agreed("x:d", "public", since=date(2999, 1, 1)),
    ]}  # fmt: skip
    assert read("consent_in_force", tables) == [("x:a", "self"), ("x:b", "no")]


def test_narrower_scopes_see_published_days_only(read: Callable[..., list[tuple]]) -> None:
    people = [
        {"person_id": f"x:{scope}", "day": day} for scope in ("public", "audiences", "self") for day in (DAY, NEXT)
    ]
    tables = {
        CONSENT: [agreed(f"x:{scope}", scope) for scope in ("public", "audiences", "self", "no")],
        INFLUENCE: [*people, {"person_id": "x:unknown", "day": DAY}, {"person_id": "x:no", "day": DAY}],
        PUBLICATIONS: [
            {"day": DAY, "sequence": 1, "change": "publish", "people": 0},
            {"day": NEXT, "sequence": 1, "change": "publish", "people": 1},
            {"day": NEXT, "sequence": 2, "change": "unpublish", "people": 0},
        ],
    }
    person, day = SCORES.column_names.index("person_id"), SCORES.column_names.index("day")
    seen = {
        view: [(row[person], row[day]) for row in read(view, tables)]
        for view in ("scores_for_audiences", "scores_for_self")
    }
    assert sorted(seen["scores_for_audiences"]) == [("x:audiences", DAY), ("x:public", DAY)]
    assert seen["scores_for_self"] == []  # `duckdb`, the user of this test, is none of them
    for scope, days in (("self", [DAY]), ("public", [DAY]), ("no", [])):
        mine = tables | {CONSENT: [agreed("duckdb", scope)], INFLUENCE: [*people, {"person_id": "duckdb", "day": DAY}]}
        assert [row[day] for row in read("scores_for_self", mine)] == days


def platforms(**people: int) -> dict:
    return {SCORES: [
        {"person_id": f"{name}:{n}", "platform": name, "day": DAY, "score": float(n)}
        for name, count in people.items() for n in range(count)
    ]}  # fmt: skip


@pytest.mark.parametrize(
    ("people", "shown"),
    [
        ({"a": 10, "b": 20}, ["a", "b"]),
        ({"a": 9, "b": 20}, []),  # `b` alone would give `a` away
        ({"a": 9, "b": 20, "c": 30}, ["c"]),
        ({"a": 1, "b": 2, "c": 30, "d": 40}, ["d"]),  # three people are too few to hide among
        ({"a": 5, "b": 5, "c": 30}, ["c"]),
        ({"a": 1}, []),
    ],
)
def test_small_platforms_are_hidden_and_cannot_be_computed_from_the_others(
    read: Callable[..., list[tuple]], people: dict[str, int], shown: list[str]
) -> None:
    tables = platforms(**people)
    assert [row[2] for row in read("scores_by_platform", tables)] == shown
    hidden = [count for name, count in people.items() if name not in shown]
    assert not hidden or len(people) == 1 or (len(hidden) > 1 and sum(hidden) >= 10)


def test_accounts_of_a_person_sum_to_the_published_score(read: Callable[..., list[tuple]]) -> None:
    """People with one account are their own part. Parts of a run that is not published are not shown."""

    def part(person: str, account: str, influence: float) -> dict:
        return {"person_id": person, "account_id": account, "influence": influence, "direct": influence, "day": DAY}

    tables = {
        SCORES: [{"person_id": f"x:{name}", "influence": 3.0, "direct": 3.0, "day": DAY} for name in "abc"],
        INFLUENCE_BY_ACCOUNT: [
            part("x:a", "x:a", 1.0), part("x:a", "y:a", 2.0), part("x:b", "x:b", 1.0), part("x:b", "y:b", 1.0),
            part("x:unpublished", "y:c", 5.0),
        ],
    }  # fmt: skip
    found = [(row[2], row[3], *row[6:]) for row in read("scores_by_account", tables)]
    assert found == [
        ("x:a", "x:a", 1.0, 1.0, 0.0, 0.0),
        ("x:a", "y:a", 2.0, 2.0, 0.0, 0.0),
        ("x:c", "x:c", 3.0, 3.0, 0.0, 0.0),
    ]


def test_figures_of_a_day(read: Callable[..., list[tuple]]) -> None:
    """None is the score of one person."""
    assert read("scores_by_day", platforms(a=11)) == [("2026.11", DAY, 11, 5.0)]
    assert read("scores_by_day", platforms(a=9)) == []
    assert read("scores_by_day", platforms(a=3), min_group=3) == [("2026.11", DAY, 3, 1.0)]


def test_spark_reads_the_same(spark: SparkSession, rows: SparkRows, read: Callable[..., list[tuple]]) -> None:
    """The whole chain of views, by another engine."""
    tables = {
        CONSENT: [agreed("x:a", "audiences"), agreed("x:b", "public"), agreed("x:c", "no")],
        INFLUENCE: [{"person_id": f"x:{name}", "day": DAY} for name in "abcd"],
        PUBLICATIONS: [{"day": DAY, "sequence": 1, "change": "publish"}],
        SCORES: platforms(a=9, b=20, c=30)[SCORES],
        INFLUENCE_BY_ACCOUNT: [{"person_id": "a:1", "account_id": f"{name}:1", "day": DAY} for name in "xy"],
    }
    for table, records in tables.items():
        rows(table, records).createOrReplaceTempView(table.name)
    for name, query in views.queries().items():
        spark.sql(query).createOrReplaceTempView(name)
        if name not in ("consent_in_force", "published_days"):
            assert sorted(map(tuple, spark.table(name).collect())) == read(name, tables), name
    for name in (*views.queries(), *(table.name for table in tables)):
        spark.catalog.dropTempView(name)
