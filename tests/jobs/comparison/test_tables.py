"""Who moves between two methodologies, on hand rows."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.comparison import tables
from jobs.scratch import separate
from jobs.sources.sample import SampleSource
from schemas.influence import INFLUENCE
from schemas.methodology import Methodology, load
from tests.fixture_types import ArrowRows
from tests.jobs.equations import age, engine, shares, term

OFFICIAL = load("2026.11")
DAY = date(2026, 11, 3)


@pytest.fixture
def db(arrow_rows: ArrowRows) -> Iterator[Callable[[dict, dict], duckdb.DuckDBPyConnection]]:
    """`db(before, after)`: a database of both sides' people, name -> influence; a score is ten times that, unless a row says
    otherwise."""

    def row(name: str, values: float | dict) -> dict:
        columns = values if isinstance(values, dict) else {"influence": values}
        platform, _, _ = name.partition(":")
        plain = {"person_id": name, "platform": platform, "score": 10 * columns["influence"]}
        return plain | columns

    with separate() as made:

        def load(before: dict, after: dict) -> duckdb.DuckDBPyConnection:
            for side, people in (("before", before), ("after", after)):
                rows = arrow_rows(INFLUENCE, [row(name, values) for name, values in people.items()])
                tables.load(made, side, rows.select(tables.COLUMNS))
            tables.pair(made)
            tables.name(made, tables.people(made))
            return made

        yield load


def rows(table: pa.Table, *columns: str) -> list[tuple]:
    return [tuple(row.values()) for row in table.select(columns or table.column_names).to_pylist()]


def test_a_summary_counts_holders_and_who_has_no_row_holds_nothing(
    db: Callable[[dict, dict], duckdb.DuckDBPyConnection],
) -> None:
    before = {"x:a": 1.0, "x:b": 2.0, "x:c": 3.0, "x:gone": 0.1, "x:zero": 0.0, "x:idle": 0.0}
    after = {"x:a": 1.0, "x:b": 2.5, "x:c": 2.4, "x:new": 0.2, "x:zero": 0.0}
    (summary,) = tables.summary(db(before, after)).to_pylist()
    assert summary == {
        "people_before": 6,
        "people_after": 5,
        "simulated": False,
        "holders": 5,  # zero and idle hold nothing under either
        "rising": 2,
        "falling": 2,
        "far": 1,  # c falls by 6 points; b rises by 5, which is not more than 5
        "mean_move": pytest.approx((5 - 6 - 1 + 2) / 5),
        "median_move": 0.0,
        "largest_rise": 5.0,
        "largest_fall": pytest.approx(6.0),
        "rank_correlation": pytest.approx(0.8),  # new, gone, a, b, c; gone, new, a, c, b: 1 - 6 * 4 / (5 * 24)
        "top": 4,  # every rank is 1 here, and new had none
        "top_kept": 3,
    }


@pytest.mark.parametrize(
    ("x", "y", "rho"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 2, 3], [1, 3, 2, 2], 0.5),  # ranks 1 2.5 2.5 4 and 1 4 2.5 2.5: 2.25 / 4.5
        ([1, 1, 1], [1, 2, 3], None),  # of equals there is no order
        ([1], [2], None),
        ([], [], None),
    ],
)
def test_rank_correlation_gives_equals_the_mean_of_their_ranks(
    db: Callable[[dict, dict], duckdb.DuckDBPyConnection], x: list[int], y: list[int], rho: float | None
) -> None:
    sides = ({f"x:{n}": float(value) for n, value in enumerate(side)} for side in (x, y))
    found = tables.summary(db(*sides))["rank_correlation"][0].as_py()
    assert found == (None if rho is None else pytest.approx(rho))


def test_who_of_the_first_hundred_stays(db: Callable[[dict, dict], duckdb.DuckDBPyConnection]) -> None:
    before = {f"x:{n}": {"influence": 1.0, "rank": n} for n in range(1, 121)}
    after = before | {f"x:{n}": {"influence": 1.0, "rank": n + 95} for n in range(1, 11)}  # 96..105
    (summary,) = tables.summary(db(before, after)).to_pylist()
    assert (summary["top"], summary["top_kept"]) == (100, 95)


def test_the_distribution_of_scores_side_by_side(db: Callable[[dict, dict], duckdb.DuckDBPyConnection]) -> None:
    scores = {"before": [0.5, 4.9, 5.0, 17.0], "after": [0.5, 5.0, 9.9, 100.0]}
    sides = (
        {f"x:{n}": {"influence": 1.0, "score": score} for n, score in enumerate(scores[side])} | {"x:zero": 0.0}
        for side in ("before", "after")
    )
    found = rows(tables.distribution(db(*sides)))
    assert found[:4] == [(0, 5, 2, 1), (5, 10, 1, 2), (10, 15, 0, 0), (15, 20, 1, 0)]
    assert found[-1] == (95, 100, 0, 1)  # 100 is in the last
    assert [row[2:] for row in found[4:-1]] == [(0, 0)] * 15


def test_how_far_those_move_who_do(db: Callable[[dict, dict], duckdb.DuckDBPyConnection]) -> None:
    moved = [0.0, 0.2, 0.5, -0.1, -0.5, -0.6, 7.0]
    before = {f"x:{n}": {"influence": 1.0, "score": 10.0} for n in range(len(moved))}
    after = {f"x:{n}": {"influence": 1.0, "score": 10.0 + move} for n, move in enumerate(moved)}
    assert rows(tables.moves(db(before, after))) == [
        (-1.0, -0.5, 1), (-0.5, 0.0, 2), (0.0, 0.5, 1), (0.5, 1.0, 1), (7.0, 7.5, 1),
    ]  # fmt: skip


def test_tenths_are_by_the_score_before_and_equals_are_in_one(
    db: Callable[[dict, dict], duckdb.DuckDBPyConnection],
) -> None:
    """Twenty people, of whom the lowest seven are equal: they begin in the first tenth, and two others stay empty."""
    score = {f"x:{n:02}": 1.0 if n < 7 else float(n) for n in range(20)}
    before = {name: {"influence": 1.0, "score": value} for name, value in score.items()}
    after = {name: {"influence": 1.0, "score": value + (6 if value > 17 else -1 if value == 1 else 0)}
             for name, value in score.items()}  # fmt: skip
    # Who held nothing before, and who holds nothing under either, are in none.
    found = tables.deciles(db(before | {"x:zero": 0.0}, after | {"x:new": 1.0, "x:zero": 0.0}))
    columns = ("decile", "score_from", "score_to", "holders", "rising", "falling", "far", "mean_move")
    assert rows(found, *columns) == [
        (1, 1.0, 1.0, 7, 0, 7, 0, -1.0),
        (4, 7.0, 7.0, 1, 0, 0, 0, 0.0),
        *((n, 2.0 * n - 2, 2.0 * n - 1, 2, 0, 0, 0, 0.0) for n in range(5, 10)),
        (10, 18.0, 19.0, 2, 2, 0, 2, 6.0),
    ]


def test_how_the_middle_of_a_tenth_moves(db: Callable[[dict, dict], duckdb.DuckDBPyConnection]) -> None:
    before = {f"x:{n}": {"influence": 1.0, "score": 10.0} for n in range(11)}
    after = {f"x:{n}": {"influence": 1.0, "score": 10.0 + n} for n in range(11)}
    assert rows(tables.deciles(db(before, after)), "low_move", "median_move", "high_move") == [(1.0, 5.0, 9.0)]


def test_platforms_and_the_attention_they_hold(db: Callable[[dict, dict], duckdb.DuckDBPyConnection]) -> None:
    before = {"x:a": 1.0, "x:b": 2.0, "y:c": 1.0, "z:idle": 0.0}
    after = {"x:a": 1.0, "x:b": 1.0, "y:c": 2.0, "z:idle": 0.0}
    columns = ("platform", "holders", "rising", "falling", "far", "mean_move", "score_before", "score_after",
               "attention_before", "attention_after", "share_before", "share_after")  # fmt: skip
    assert rows(tables.platforms(db(before, after)), *columns) == [
        ("x", 2, 0, 1, 1, -5.0, 15.0, 10.0, 3.0, 2.0, 0.75, 0.5),
        ("y", 1, 1, 0, 1, 10.0, 10.0, 20.0, 1.0, 2.0, 0.25, 0.5),
    ]


def test_only_constants_that_differ_are_listed_and_a_platform_without_its_own_has_the_default() -> None:
    other = replace(
        OFFICIAL, version="other", damping=0.85, kind_weights=OFFICIAL.kind_weights | {"quote": 4.0},
        platform_weights={"default": 2.0, "github": 4.0, "reddit": 1.0}, full_scale=1e6,
    )  # fmt: skip
    assert rows(tables.constants(OFFICIAL, other)) == [
        ("kind_weights.quote", "3", "4"),
        ("platform_weights.default", "1", "2"),
        ("damping", "0.5", "0.85"),
        ("full_scale", "1e+07", "1e+06"),
        ("platform_weights.github", "1", "4"),
    ]  # reddit weighs 1 under both
    assert rows(tables.constants(OFFICIAL, OFFICIAL)) == []


def test_the_order_in_which_rows_come_changes_no_bit(
    db: Callable[[dict, dict], duckdb.DuckDBPyConnection], arrow_rows: ArrowRows
) -> None:
    """Sums of doubles differ with their order; these would."""
    people = {f"x:{n}": {"influence": 10.0 ** (n % 7) / 3, "score": 100 / (n + 1)} for n in range(200)}
    moved = {name: row | {"score": row["score"] + math.sin(n)} for n, (name, row) in enumerate(people.items())}
    with separate() as other:
        for side, rows in (("before", people), ("after", moved)):
            backwards = [{"person_id": name, "platform": "x", **rows[name]} for name in reversed(list(rows))]
            tables.load(other, side, arrow_rows(INFLUENCE, backwards).select(tables.COLUMNS))
        tables.pair(other)
        made = db(people, moved)
        for table in (tables.summary, tables.deciles, tables.platforms):
            assert table(made).equals(table(other))


def test_people_who_may_not_be_named_are_in_the_figures_only(
    db: Callable[[dict, dict], duckdb.DuckDBPyConnection], tmp_path: Path
) -> None:
    made = db({"x:b": 1.0, "x:c": 1.0}, {"x:b": 2.0, "x:c": 3.0})
    made.execute("drop table named")
    tables.name(made, pa.table({"person_id": ["x:b"]}).to_reader())
    tables.write_people(made, tmp_path / "people.parquet")
    assert pq.read_table(tmp_path / "people.parquet")["person_id"].to_pylist() == ["x:b"]
    assert tables.summary(made).to_pylist()[0]["people_after"] == 2


def test_everybodys_scores_are_one_file(db: Callable[[dict, dict], duckdb.DuckDBPyConnection], tmp_path: Path) -> None:
    made = db({"x:b": 1.0, "x:gone": 1.0}, {"x:b": {"influence": 2.0, "handle": "bo"}, "x:a": 1.0})
    tables.write_people(made, tmp_path / "people.parquet")
    found = pq.read_table(tmp_path / "people.parquet")
    assert rows(found, "person_id", "handle", "score_before", "score_after", "move") == [
        ("x:a", None, 0.0, 10.0, 10.0), ("x:b", "bo", 10.0, 20.0, 10.0), ("x:gone", None, 10.0, 0.0, -10.0),
    ]  # fmt: skip


# The proposal


@pytest.fixture(scope="module")
def simulated() -> Callable[[Methodology], dict[str, float]]:
    """`simulated(methodology)`: who holds how much after three simulated days, by the equations in plain Python."""
    days = [DAY - timedelta(days=number) for number in range(3)]
    acts: dict[tuple, Counter] = defaultdict(Counter)
    for day in days:
        for page in SampleSource("sample", ["people=1000"]).pages(day, day):
            ends = (page.acts[end].to_pylist() for end in ("actor_id", "target_id", "kind"))
            for actor, target, kind in zip(*ends, strict=True):
                if kind != "post":
                    acts[day, page.platform, f"{page.platform}:{actor}", f"{page.platform}:{target}"][kind] += 1

    def held(methodology: Methodology) -> dict[str, float]:
        weights: dict[tuple[str, str], int] = defaultdict(int)
        for (day, platform, actor, target), counts in acts.items():
            faded = 2 ** (-age(day, days, DAY) / methodology.half_life_days)
            factor = methodology.platform_weight(platform) * faded
            weights[actor, target] += term(counts, methodology.kind_weights, factor)
        _, sums = engine(shares(weights, {}, methodology.damping, methodology.rest_weight), methodology.rounds)
        return {person: parts.influence for person, parts in sums.items()}

    return held


def test_the_proposal_moves_attention_to_where_acts_are_rare_and_platforms_closer_together(
    db: Callable[[dict, dict], duckdb.DuckDBPyConnection], simulated: Callable[[Methodology], dict[str, float]]
) -> None:
    """As the README shows of the simulation."""
    found = tables.platforms(db(simulated(OFFICIAL), simulated(load("2026.12")))).to_pylist()
    before, after = ({row["platform"]: row[f"share_{side}"] for row in found} for side in ("before", "after"))
    assert list(before) == ["sample-birdsong", "sample-forum", "sample-workshop"]  # the largest first
    assert after["sample-workshop"] > before["sample-workshop"]
    assert after["sample-birdsong"] < before["sample-birdsong"]
    assert max(after.values()) - min(after.values()) < max(before.values()) - min(before.values())
