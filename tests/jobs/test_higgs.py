"""A week of real activity through the real jobs: against the publisher's own counts, an independent prototype, and 20 people
whose numbers may not change unless `equations` does."""

import gzip
import json
import math
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.methodology import Methodology, load
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.scores import SCORES
from schemas.table import Table
from tests.fixture_types import FindFile
from tests.jobs.higgs import OFFICIAL, pull_earlier, score

GOLDEN = Path(__file__).parent / "golden" / "higgs_2012-07-07.json"


def asked(warehouse: Warehouse, table: Table, question: str) -> list[tuple]:
    """SQL over one table, named `rows`."""
    with duckdb.connect() as db:
        db.register("rows", warehouse.dataset(table))
        return db.sql(question).fetchall()


@pytest.mark.parametrize(("kind", "name"), [("reshare", "retweet"), ("mention", "mention"), ("reply", "reply")])
def test_activity_counts_as_its_publisher_counted(higgs: Warehouse, data: FindFile, kind: str, name: str) -> None:
    """Every pair of actor and target and every count, those with oneself too."""
    with gzip.open(data(f"twitter-higgs/higgs-{name}_network.edgelist.gz"), "rt") as lines:
        published = {(src, dst): int(count) for src, dst, count in map(str.split, lines)}
    found = asked(higgs, ACTIVITY, f"select actor_id, target_id, count(*) from rows where kind = '{kind}' group by all")
    assert {(src, dst): count for src, dst, count in found} == published


def test_one_human_act_counts_once(higgs: Warehouse) -> None:
    counts = dict(asked(higgs, ENGAGEMENT, "select kind, sum(act_count) from rows group by kind"))
    assert counts == {"reshare": 354_930, "reply": 36_394, "mention": 124_213}
    assert sum(counts.values()) == 515_537
    assert asked(higgs, ENGAGEMENT, "select count(distinct (src, dst)) from rows") == [(461_192,)]
    assert asked(higgs, ENGAGEMENT, "select count(*) from rows where src = dst") == [(0,)]


def test_the_whole_against_a_prototype(higgs: Warehouse) -> None:
    ((people, direct, second, third, engagers),) = asked(
        higgs, INFLUENCE, "select count(*), sum(direct), sum(second), sum(third), sum(engager_count) from rows"
    )
    assert (people, engagers) == (304_198, 461_192)
    assert [round(part) for part in (direct, second, third)] == [97_335, 21_455, 6_295]
    scored = asked(
        higgs, INFLUENCE,
        "select median(score), quantile_cont(score, 0.9), quantile_cont(score, 0.99), max(score) from rows where score > 0",
    )  # fmt: skip
    assert [round(value, 1) for value in scored[0]] == [17.0, 25.2, 38.4, 64.5]


def test_published_rows_are_those_of_influence(higgs: Warehouse) -> None:
    table = higgs.read(INFLUENCE).sort_by("person_id")
    assert higgs.read(SCORES).sort_by("person_id").equals(table)


def test_columns_that_compare_people(higgs: Warehouse) -> None:
    """Rank, percentile and score, once more from influence alone."""
    rows = higgs.read(INFLUENCE, columns=["influence", "rank", "percentile", "score"]).sort_by("influence").to_pylist()
    less, count = 0, len(rows)
    people = Counter(row["influence"] for row in rows)
    for value, same in sorted(people.items()):
        expected = {
            "influence": value,
            "rank": count - less - same + 1,
            "percentile": less / count,
            "score": pytest.approx(100 * math.log1p(value / 0.01) / math.log1p(1e9), rel=1e-12),
        }
        assert rows[less] == expected
        assert rows[less + same - 1] == expected
        less += same


def assert_golden(warehouse: Warehouse, file: Path, methodology: Methodology) -> None:
    """A change of these numbers needs a new `equations`, and with it a new version of the methodology: never a new golden
    file under the old one."""
    golden = json.loads(file.read_text())
    assert (golden["equations"], golden["fingerprint"]) == (methodology.equations, methodology.fingerprint)
    wanted = [row["person_id"] for row in golden["people"]]
    found = {
        row["person_id"]: row | {"day": str(row["day"])}
        for row in warehouse.read(INFLUENCE).to_pylist()
        if row["person_id"] in set(wanted)
    }
    assert [found[person] for person in wanted] == golden["people"]


def test_golden_day(higgs: Warehouse) -> None:
    assert_golden(higgs, GOLDEN, OFFICIAL)


def test_golden_day_of_weights_by_month(warehouse: Warehouse, data: FindFile, tmp_path: Path) -> None:
    """June is rolled up, July is not over."""
    methodology = load("2026.12.1")
    last = pull_earlier(warehouse, data, tmp_path)
    score(warehouse, last, methodology)
    assert {row["month"] for row in warehouse.partitions(MONTHLY_WEIGHTS)} == {"2012-06-01"}
    assert_golden(warehouse, GOLDEN.with_name("higgs_by_month_2012-07-04.json"), methodology)


def test_inclusion_of_everybody_once_more(higgs: Warehouse) -> None:
    """From the week's acts in one query, and the divergence by its definition, as two relative entropies."""
    answered = asked(
        higgs, ENGAGEMENT,
        """
        with daily as (
            select src, dst, day, log2(1 + sum(case kind when 'reshare' then 3 else 2 end * act_count)) as weight
            from rows group by all
        ),
        pairs as (select src, dst, sum(weight * 2 ** ((day - date '2012-07-07') / 30)) as weight from daily group by all),
        shares as (select src, dst, 0.5 * weight / (1 + sum(weight) over (partition by src)) as a from pairs),
        held as (select dst as id, sum(a) as direct from shares group by all),
        said as (select distinct src, dst, day from rows where kind in ('reply', 'mention'))
        select asked.dst, asked.src, coalesce(any_value(direct), 0) - coalesce(any_value(given.a), 0), count(answer.day) > 0
        from said as asked
        left join said as answer on answer.src = asked.dst and answer.dst = asked.src and answer.day >= asked.day
        left join held on held.id = asked.src
        left join shares as given on given.src = asked.dst and given.dst = asked.src
        group by all
        """,
    )  # fmt: skip
    tiers: dict[str, list[tuple[int, bool]]] = {}
    for person, _, held, answers in answered:
        tier = 0 if held < 1e-9 else 1 + sum(held > above for above in (0.01, 0.1, 1, 10, 100, 1000))
        tiers.setdefault(person, []).append((tier, answers))
    expected = {}
    for person, people in tiers.items():
        if len(people) >= OFFICIAL.min_inbound and any(answers for _, answers in people):
            of_all, of_some = Counter(tier for tier, _ in people), Counter(tier for tier, answers in people if answers)
            p, q = ({tier: count / of.total() for tier, count in of.items()} for of in (of_all, of_some))
            mean = {tier: (p[tier] + q.get(tier, 0)) / 2 for tier in p}
            divergence = sum(share * math.log2(share / mean[tier]) for of in (p, q) for tier, share in of.items()) / 2
            expected[person] = pytest.approx(100 * (1 - divergence), abs=1e-7)
    found = dict(asked(higgs, INFLUENCE, "select person_id, inclusion from rows where inclusion is not null"))
    assert len(found) == 954
    assert found == expected


def test_of_a_source_without_posts_nothing_is_amplified(higgs: Warehouse) -> None:
    assert asked(higgs, INFLUENCE, "select count(*) from rows where amplification is not null") == [(0,)]
