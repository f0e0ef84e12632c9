"""The simulation: the same bytes every time, in bounded memory, and alike to what real platforms show."""

import hashlib
import os
import subprocess
import sys
import tracemalloc
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from jobs.errors import UsageError
from jobs.sources.page import ACCOUNTS, ACTS, DAY_US, Page
from jobs.sources.sample import MAX_PEOPLE, SampleSource
from jobs.sources.sample_world import BLOCK_ACCOUNTS, COMMUNITY
from schemas.kinds import INTERACTIONS, KINDS, is_simulated

MONDAY = date(2026, 1, 5)
FORTNIGHT = 14
PEOPLE = 10_000

# Of 1,000 people of seed 7 on MONDAY, on any machine and with any NumPy. Scores that were made from the simulation can
# only be made again while this holds.
DIGEST = "99a39b4596c678d926965f5e1240b6060dbfb99c7d0a7941901900725b9d2a3b"


def pages(place: str = "", first_day: date = MONDAY, days: int = 1) -> list[Page]:
    return list(SampleSource("sample", (place,)).pages(first_day, first_day + timedelta(days=days - 1)))


def digest(found: list[Page]) -> str:
    """Of every value of every page, and of nothing that Arrow is free to change, such as padding."""
    values = [(page.platform, page.file, page.acts.to_pydict(), page.accounts.to_pydict()) for page in found]
    return hashlib.sha256(repr(values).encode()).hexdigest()


def frame(found: list[Page], part: str) -> pd.DataFrame:
    return pd.concat([getattr(page, part).to_pandas().assign(platform=page.platform) for page in found])


@pytest.fixture(scope="module")
def fortnight() -> list[Page]:
    return pages(days=FORTNIGHT)


@pytest.fixture(scope="module")
def reports(fortnight: list[Page]) -> pd.DataFrame:
    """All acts as reported, with their day (from 0) and hour."""
    rows = frame(fortnight, "acts")
    since = rows.occurred_at - (MONDAY - date(1970, 1, 1)).days * DAY_US
    return rows.assign(day=since // DAY_US, hour=since % DAY_US // (DAY_US // 24))


@pytest.fixture(scope="module")
def acts(reports: pd.DataFrame) -> pd.DataFrame:
    """What people did about others' posts, each act once, with the post it was about."""
    others = reports[reports.kind != "post"].drop_duplicates(["platform", "activity_id"])
    return others.assign(post=others.activity_id.str.rsplit("-", n=1).str[0])


class TestPages:
    def test_columns_are_those_of_the_protocol(self, fortnight: list[Page]) -> None:
        for page in fortnight:
            assert page.acts.schema == ACTS
            assert page.accounts.schema == ACCOUNTS
            page.acts.validate(full=True)
            page.accounts.validate(full=True)
            assert page.authors.num_rows == page.undos.num_rows == page.faults.num_rows == 0

    def test_platforms_are_named_as_simulated(self, fortnight: list[Page]) -> None:
        assert {page.platform for page in fortnight} == set(SampleSource.platforms)
        assert all(map(is_simulated, SampleSource.platforms))

    def test_a_file_is_a_day_and_a_line_an_act(self) -> None:
        found = pages("people=200000,seed=3")  # 120,000 on the largest platform: two blocks
        largest = [page for page in found if page.platform == SampleSource.platforms[0]]
        assert [page.file for page in largest] == ["sample people=200000 seed=3 day=2026-01-05"] * 2
        lines = [line for page in largest for line in page.acts["line"].to_pylist()]
        assert lines == list(range(1, len(lines) + 1))
        assert [page.lines for page in largest] == [{MONDAY: len(page.acts)} for page in largest]

    def test_everything_happens_on_the_day(self, reports: pd.DataFrame) -> None:
        assert reports.day.between(0, FORTNIGHT - 1).all()

    def test_no_act_comes_before_its_post(self, reports: pd.DataFrame, acts: pd.DataFrame) -> None:
        posts = reports[reports.kind == "post"].set_index(["platform", "activity_id"]).occurred_at
        about = acts.dropna(subset="object_id").set_index(["platform", "object_id"]).occurred_at
        assert (about >= posts.loc[about.index]).all()

    def test_every_report_comes_once(self, reports: pd.DataFrame) -> None:
        assert not reports.duplicated(["platform", "activity_id", "kind", "target_id"]).any()

    def test_an_id_under_two_kinds_is_one_reply_also_reported_as_a_mention(self, reports: pd.DataFrame) -> None:
        twice = reports[reports.duplicated(["platform", "activity_id"], keep=False)]
        groups = twice.groupby(["platform", "activity_id"])
        assert set(groups.kind.agg(lambda kinds: "+".join(sorted(kinds)))) == {"mention+reply"}
        assert (groups[["actor_id", "target_id", "occurred_at"]].nunique() == 1).all(axis=None)
        replies = reports[(reports.kind == "reply") & (reports.platform == "sample-birdsong")]
        assert len(groups) / len(replies) == pytest.approx(0.5, abs=0.02)

    def test_mentions_follows_and_posts_are_about_no_other_content(self, reports: pd.DataFrame) -> None:
        assert (reports.object_id.isna() == reports.kind.isin(["mention", "follow", "post"])).all()

    def test_a_post_is_ones_own_and_nobody_acts_on_oneself(self, reports: pd.DataFrame) -> None:
        assert ((reports.actor_id == reports.target_id) == (reports.kind == "post")).all()
        assert set(reports.kind) == set(KINDS)

    def test_whoever_appears_on_a_day_has_one_profile(self, fortnight: list[Page]) -> None:
        for page in fortnight:  # at this size a page is a platform's day
            appearing = {*page.acts["actor_id"].to_pylist(), *page.acts["target_id"].to_pylist()}
            assert page.accounts["account_id"].to_pylist() == sorted(appearing)

    def test_a_profile_does_not_depend_on_the_day(self, fortnight: list[Page]) -> None:
        profiles = frame(fortnight, "accounts").drop(columns=["observed_at", "line"]).drop_duplicates()
        assert not profiles.duplicated(["platform", "account_id"]).any()
        assert not profiles.duplicated(["platform", "handle"]).any()
        assert profiles.display_name.str.endswith(" (simulated)").all()
        assert profiles.is_bot.mean() == pytest.approx(0.03, abs=0.01)
        assert (profiles.created_at < frame(fortnight, "accounts").observed_at.min()).all()


class TestSameBytes:
    def test_on_any_machine_in_any_process(self) -> None:
        assert digest(pages("people=1000,seed=7")) == DIGEST

    @pytest.mark.system
    def test_whatever_the_time_zone_and_the_order_of_hashes(self) -> None:
        script = "import test_sample as t; print(t.digest(t.pages('people=1000,seed=7')))"
        here = Path(__file__)
        process = subprocess.run(
            [sys.executable, "-c", script],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(here.parent), str(here.parents[3])]),
                "PYTHONHASHSEED": "5",
                "TZ": "Pacific/Kiritimati",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert process.stdout.strip() == DIGEST

    def test_a_day_alone_and_within_a_range(self) -> None:
        week = pages("people=1000,seed=7", first_day=MONDAY - timedelta(days=3), days=7)
        assert digest([page for page in week if MONDAY in page.lines]) == DIGEST

    @pytest.mark.parametrize("place", ["people=1000,seed=8", "people=2000,seed=7"])
    def test_another_seed_or_size_is_another_world(self, place: str) -> None:
        assert all(
            ours.acts != theirs.acts for ours, theirs in zip(pages("people=1000,seed=7"), pages(place), strict=True)
        )

    def test_the_default_is_ten_thousand_people_of_seed_1(self) -> None:
        assert digest(pages("")) == digest(pages("seed=1,people=10000"))


class TestSize:
    @pytest.mark.parametrize("people", [1, 2, 7, COMMUNITY + 1, BLOCK_ACCOUNTS // 60 * 100 + 7])
    def test_any_number_of_people(self, people: int) -> None:
        found = pages(f"people={people}", days=3)
        assert {(page.platform, *page.lines) for page in found} == {
            (platform, MONDAY + timedelta(days=n)) for platform in SampleSource.platforms for n in range(3)
        }  # also where nobody lives, so that the day is there
        reports = frame(found, "acts")
        assert ((reports.actor_id == reports.target_id) == (reports.kind == "post")).all()
        assert not reports.duplicated(["platform", "activity_id", "kind", "target_id"]).any()
        accounts = frame(found, "accounts")
        assert accounts.groupby("platform").account_id.nunique().sum() <= people

    def test_memory_does_not_grow_with_people(self) -> None:
        peaks = []
        for people in (200_000, MAX_PEOPLE):
            tracemalloc.start()
            page = next(SampleSource("sample", (f"people={people}",)).pages(MONDAY, MONDAY))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert len(page.acts) < 300_000
        assert peaks[1] < 1.2 * peaks[0] < 200e6


class TestLikeRealPlatforms:
    """At 10,000 people over a fortnight. Bounds are wide around what was found (in brackets), which differs by seed."""

    def test_people_act_once_or_twice_a_day(self, reports: pd.DataFrame) -> None:
        assert 1 < len(reports) / FORTNIGHT / PEOPLE < 3  # 1.6

    def test_few_hold_much_of_the_attention_but_not_all(self, acts: pd.DataFrame) -> None:
        audience = acts.groupby(["platform", "target_id"]).size().nlargest(PEOPLE // 100)
        assert 0.2 < audience.sum() / len(acts) < 0.6  # 0.31
        assert audience.iloc[0] / len(acts) < 0.1  # 0.02

    def test_a_post_that_draws_any_draws_four_to_ten(self, reports: pd.DataFrame, acts: pd.DataFrame) -> None:
        drawn = acts.groupby(["platform", "post"]).size()
        assert drawn.groupby("platform").mean().between(4, 10).all()  # 5.3
        assert 0.2 < len(drawn) / (reports.kind == "post").sum() < 0.8  # 0.52: many draw none
        assert drawn.max() > 50 * drawn.median()  # 965, 2

    def test_activity_is_heavy_tailed_too(self, reports: pd.DataFrame, acts: pd.DataFrame) -> None:
        by_actor = acts.groupby(["platform", "actor_id"]).size().nlargest(PEOPLE // 100)
        posts = reports[reports.kind == "post"].groupby(["platform", "actor_id"]).size().nlargest(PEOPLE // 100)
        assert by_actor.sum() / len(acts) > 0.08  # 0.12
        assert posts.sum() / (reports.kind == "post").sum() > 0.1  # 0.21

    def test_some_only_post_and_some_only_answer_to_others(self, reports: pd.DataFrame, acts: pd.DataFrame) -> None:
        posting = set(reports[reports.kind == "post"].groupby(["platform", "actor_id"]).groups)
        acting = set(acts.groupby(["platform", "actor_id"]).groups)
        assert len(posting - acting) > 0.05 * PEOPLE  # 0.12
        assert len(acting - posting) > 0.1 * PEOPLE  # 0.35
        assert len(posting | acting) < PEOPLE  # the rest only read

    def test_people_answer_those_who_come_to_them(self, acts: pd.DataFrame) -> None:
        pairs = set(acts[["platform", "actor_id", "target_id"]].itertuples(index=False, name=None))
        answered = sum((platform, target, actor) in pairs for platform, actor, target in pairs) / len(pairs)
        by_chance = len(pairs) / sum((PEOPLE * share) ** 2 for share in (0.6, 0.25, 0.15))
        assert answered > 0.03  # 0.07
        assert answered > 20 * by_chance  # 50 times

    def test_most_acts_stay_within_a_community(self, acts: pd.DataFrame) -> None:
        actor, target = (acts[name].str[1:].astype(int) // COMMUNITY for name in ("actor_id", "target_id"))
        assert 0.5 < (actor == target).mean() < 0.9  # 0.65; by chance 0.03

    def test_the_same_people_meet_again(self, acts: pd.DataFrame) -> None:
        by_day = [set(rows.groupby(["platform", "actor_id", "target_id"]).groups) for _, rows in acts.groupby("day")]
        again = [len(one & other) / len(one) for one, other in pairwise(by_day)]
        assert min(again) > 0.05  # 0.11
        assert len(by_day[0] & set.union(*by_day[1:])) / len(by_day[0]) > 0.4  # 0.55

    def test_nights_are_quiet_and_evenings_busy(self, acts: pd.DataFrame) -> None:
        by_hour = acts.groupby(["platform", "hour"]).size().unstack()
        assert (by_hour.idxmin(axis=1).between(2, 5)).all()  # 3 or 4 o'clock
        assert (by_hour.idxmax(axis=1).between(19, 21)).all()  # 20 o'clock
        assert (by_hour.min(axis=1) < by_hour.mean(axis=1) / 5).all()  # a fourteenth

    def test_weekends_are_for_talk_and_working_days_for_work(self, reports: pd.DataFrame) -> None:
        posts = reports[reports.kind == "post"]
        weekend = posts.day % 7 >= 5
        a_day = posts.groupby(["platform", weekend]).size().unstack() / [FORTNIGHT / 7 * 5, FORTNIGHT / 7 * 2]
        ratio = a_day[True] / a_day[False]
        assert 0.7 < ratio["sample-birdsong"] < 0.9  # 0.8
        assert 1.15 < ratio["sample-forum"] < 1.45  # 1.3
        assert 0.3 < ratio["sample-workshop"] < 0.5  # 0.4

    def test_all_that_people_can_do_is_done(self, acts: pd.DataFrame) -> None:
        kinds = acts.kind.value_counts(normalize=True)
        assert set(kinds.index) == set(INTERACTIONS)
        assert kinds.idxmax() == "like"
        assert kinds.min() > 0.01


class TestPlaces:
    @pytest.mark.parametrize(
        ("place", "people", "seed"),
        [("", 10_000, 1), ("people=100000", 100_000, 1), ("seed=0", 10_000, 0), ("seed=7,people=5", 5, 7)],
    )
    def test_both_parts_are_optional(self, place: str, people: int, seed: int) -> None:
        source = SampleSource("sample", (place,))
        assert (source.people, source.seed) == (people, seed)

    @pytest.mark.parametrize(
        "place",
        ["10000", "people=", "people=-1", "people=1e6", "people=1_000", "size=3", "people=1,people=2", "seed=1,"],
    )
    def test_anything_else_is_refused_with_what_is_expected(self, place: str) -> None:
        with pytest.raises(UsageError, match=r"--source toy: cannot read '.*'; expected people=N, seed=N, or both"):
            SampleSource("toy", (place,))

    @pytest.mark.parametrize(
        ("place", "message"),
        [
            ("people=0", "people=0: expected 1 to 16777216"),
            ("people=16777217", "people=16777217: expected 1 to 16777216"),
            ("seed=18446744073709551616", "seed=18446744073709551616: expected 0 to 18446744073709551615"),
        ],
    )
    def test_numbers_have_bounds(self, place: str, message: str) -> None:
        with pytest.raises(UsageError, match=f"^--source toy: {message}$"):
            SampleSource("toy", (place,))

    def test_one_source_is_one_simulation(self) -> None:
        with pytest.raises(UsageError, match="one simulation is one source, found 2 places"):
            SampleSource("toy", ("seed=1", "seed=2"))
