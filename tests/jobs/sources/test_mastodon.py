"""Mastodon through its real client, against a small instance on loopback, mastodon-mock, and recorded answers."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from backports import zstd

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.sources import mastodon_pull
from jobs.sources.live.settings import Settings
from jobs.sources.live.source import UNFINISHED
from jobs.sources.mastodon import MastodonAsk, MastodonSource
from jobs.sources.page import Note
from jobs.sources.spec import LiveOptions, SourceSpec, parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.mastodon_instance import (
    AFTER,
    ANA,
    BO,
    CY,
    DAY,
    DI,
    HOME,
    WHOLE,
    Instance,
    acts,
    at,
    micros,
    opened,
    person,
    pulled,
    reply_to,
    status,
)
from tests.jobs.sources.platform_server import Reply

BEFORE = DAY - timedelta(days=1)
END = micros(24)


# A day


def test_a_day_is_whole(instance: Instance, tmp_path: Path) -> None:
    source = opened(instance, tmp_path)
    assert acts(source) == WHOLE
    assert pulled(source)[1] == []


def test_the_recorded_ids_are_those_of_activitypub(instance: Instance, tmp_path: Path) -> None:
    rows, _ = pulled(opened(instance, tmp_path))
    assert {row["activity_id"] for row in rows if row["kind"] == "post"} == {
        f"{HOME}/users/ana/statuses/10",
        f"{HOME}/users/bo/statuses/16",
    }
    (answered,) = (row for row in rows if row["kind"] == "reply" and row["actor_id"] == DI["uri"])
    assert answered["object_id"] == f"{CY['uri']}/statuses/11"


def test_no_text_and_nothing_private_is_recorded(instance: Instance, tmp_path: Path) -> None:
    pulled(opened(instance, tmp_path))
    texts = [zstd.decompress(path.read_bytes()) for path in recorded(tmp_path)]
    assert not [text for text in texts if b"private words" in text or b"direct" in text or b'"private"' in text]


def test_the_same_day_again_asks_nothing_and_gives_the_same_rows(instance: Instance, tmp_path: Path) -> None:
    rows = pulled(opened(instance, tmp_path))
    instance.platform.asked.clear()
    assert pulled(opened(instance, tmp_path)) == rows
    assert instance.platform.asked == []


def test_a_pull_that_is_killed_between_a_page_and_its_rename_asks_one_page_again(
    instance: Instance, tmp_path: Path
) -> None:
    whole = pulled(opened(instance, tmp_path / "whole"))
    requests = len(instance.platform.asked)
    renames = len(recorded(tmp_path / "whole")) + 1  # that of the population too
    assert renames > 8
    for number in range(renames):
        instance.platform.asked.clear()
        landing = tmp_path / str(number)
        with killed_at(number):
            pulled(opened(instance, landing))
        assert pulled(opened(instance, landing)) == whole
        assert (
            len(instance.platform.asked) <= requests + 3
        )  # the page, the lookup of its account and of those it mentions


@pytest.mark.parametrize("requests", range(1, 15))
def test_a_pull_out_of_budget_says_so_and_the_next_one_goes_on(
    instance: Instance, tmp_path: Path, requests: int
) -> None:
    whole = pulled(opened(instance, tmp_path / "whole"))[0]
    needed = len(instance.platform.asked)
    instance.platform.asked.clear()
    _, notes = pulled(opened(instance, tmp_path / "part", requests))
    if requests < needed - 2:  # the last two are about the instance
        (note,) = notes
        assert note.reason.startswith(f"the budget of {requests} requests is used up after ")
        assert note.reason.endswith(" of 2 accounts; the next pull resumes there")
        assert note.partial
        assert not note.lasting
    rows, notes = pulled(opened(instance, tmp_path / "part"))
    assert sorted(rows, key=str) == sorted(whole, key=str)
    assert notes == []


def test_no_page_is_read_beyond_the_one_that_reaches_back(instance: Instance, tmp_path: Path) -> None:
    instance.statuses += [status(number, ANA, at(-100)) for number in range(1, 5)]
    pulled(opened(instance, tmp_path, accounts=["ana"]))
    assert instance.asked.count("/api/v1/accounts/1/statuses") == 3  # of five pages


def test_a_day_that_has_not_ended_is_asked_again(instance: Instance, tmp_path: Path) -> None:
    instance.now = AFTER - timedelta(hours=12)
    early, notes = pulled(opened(instance, tmp_path))
    assert early
    assert not [act for act in early if act["kind"] == "like"]
    assert [note.reason for note in notes] == [UNFINISHED]
    instance.now = AFTER
    assert acts(opened(instance, tmp_path)) == WHOLE
    assert pulled(opened(instance, tmp_path))[1] == []


def test_a_pull_that_begins_before_the_day_ends_is_not_whole(instance: Instance, tmp_path: Path) -> None:
    """The clock passes midnight between two pages."""
    whole, clock = instance.answer, iter([-31, -31, *[0] * 100])

    def answer(path: str) -> Reply:
        instance.now = AFTER + timedelta(minutes=next(clock))
        return whole(path)

    instance.platform.answer = answer
    early = instance.statuses.pop(4)
    pulled(opened(instance, tmp_path, accounts=["ana"]))
    instance.statuses.insert(4, early)
    instance.platform.answer = whole
    assert ("reply", "ana", "cy", 5) in acts(opened(instance, tmp_path, accounts=["ana"]))


def test_a_past_day_has_statuses_but_no_likes(instance: Instance, tmp_path: Path) -> None:
    instance.now = AFTER + timedelta(days=1)
    rows, notes = pulled(opened(instance, tmp_path))
    assert {row["kind"] for row in rows} == {"post", "reply", "mention", "quote", "reshare"}
    assert notes == [Note(f"1 of 2 accounts: {mastodon_pull.LATE}", True, DAY, lasting=True)]
    assert not [path for path in instance.asked if path.endswith("_by")]
    instance.platform.asked.clear()
    assert pulled(opened(instance, tmp_path)) == (rows, notes)
    assert instance.platform.asked == []


# Lists without times, night after night


def test_likes_are_dated_between_two_observations(instance: Instance, tmp_path: Path) -> None:
    post = instance.statuses[2]
    acts(opened(instance, tmp_path))
    instance.now += timedelta(days=1)
    instance.platform.asked.clear()
    instance.likes["10"] = [person(8, "new@far.example"), DI]  # one came, two vanished
    instance.statuses[2] = post | {"favourites_count": 2}
    found = acts(opened(instance, tmp_path), DAY + timedelta(days=1))
    assert found == {("post", "ana", "ana", 1), ("like", "new", "ana", 23)}
    assert [path for path in instance.asked if path.startswith("/api/v1/statuses")] == [
        "/api/v1/statuses/10/favourited_by"
    ]


def test_the_first_observation_has_the_last_instant_of_the_day(instance: Instance, tmp_path: Path) -> None:
    rows, _ = pulled(opened(instance, tmp_path))
    assert {row["occurred_at"] for row in rows if row["kind"] == "like"} == {END - 1}


def test_lists_that_are_as_last_recorded_are_not_asked(instance: Instance, tmp_path: Path) -> None:
    acts(opened(instance, tmp_path))
    instance.now += timedelta(days=1)
    instance.platform.asked.clear()
    acts(opened(instance, tmp_path), DAY + timedelta(days=1))
    assert not [path for path in instance.asked if path.startswith("/api/v1/statuses")]


def test_posts_are_looked_up_again_for_the_days_that_the_entry_says(instance: Instance, tmp_path: Path) -> None:
    instance.now += timedelta(days=2)
    acts(opened(instance, tmp_path / "1", revisit_days=1), DAY + timedelta(days=2))
    assert "/api/v1/statuses/10/favourited_by" not in instance.asked
    acts(opened(instance, tmp_path / "2", revisit_days=2), DAY + timedelta(days=2))
    assert "/api/v1/statuses/10/favourited_by" in instance.asked


def test_a_post_that_was_deleted_in_between_loses_only_its_lists(instance: Instance, tmp_path: Path) -> None:
    instance.odd["/api/v1/statuses/10/.*"] = Reply({"error": "Record not found"}, 404)
    assert acts(opened(instance, tmp_path)) == {act for act in WHOLE if act[1] in ("ana", "bo") and act[0] != "like"}


# People's wishes


def test_who_did_not_opt_in_is_not_asked_about(instance: Instance, tmp_path: Path) -> None:
    instance.people[1] = shy = BO | {"discoverable": None}
    instance.threads["10"].append(status(19, shy, at(4), **reply_to(instance.statuses[2])))
    rows, notes = pulled(opened(instance, tmp_path))
    assert notes == [Note("1 of 2 accounts: did not opt in to discovery", True, DAY, lasting=True)]
    assert BO["uri"] not in {row["actor_id"] for row in rows if row["kind"] != "like"}
    assert "/api/v1/accounts/2/statuses" not in instance.asked
    instance.threads["10"].pop()
    assert acts(opened(instance, tmp_path / "all", only="all")) == WHOLE


def test_who_opted_out_appears_nowhere(instance: Instance, tmp_path: Path) -> None:
    gone = CY | {"noindex": True}
    text = json.dumps([instance.people, instance.statuses, instance.likes, instance.boosts, instance.threads])
    people, statuses, likes, boosts, threads = json.loads(text.replace(json.dumps(CY), json.dumps(gone)))
    instance.people, instance.statuses, instance.likes, instance.boosts = people, statuses, likes, boosts
    instance.threads = threads
    pulled(opened(instance, tmp_path))
    assert not [path for path in recorded(tmp_path) if b"far.example/users/cy" in zstd.decompress(path.read_bytes())]
    found = acts(opened(instance, tmp_path))
    assert ("post", "ana", "ana", 5) in found  # it replied to nobody who may appear
    assert ("post", "di", "di", 3) in found


# The ask


def test_the_population_may_change_between_nights(instance: Instance, tmp_path: Path) -> None:
    people = tmp_path / "people.txt"
    host = instance.platform.url.removeprefix("http://")
    people.write_text(f"ana\n@bo@{host}\t2026-11-03\n")
    for day in (BEFORE, DAY):
        _, notes = pulled(opened(instance, tmp_path, accounts=str(people)), day)
    assert [note.reason for note in notes] == ["the population changed since 2026-11-02: 1 new"]
    people.write_text("ana\n")
    assert acts(opened(instance, tmp_path, accounts=str(people))) == WHOLE  # the day keeps its population


@pytest.mark.parametrize("name", ["ana@far.example", "@ana@far.example", "@", "a/b", "a b"])
def test_accounts_of_other_instances_are_refused(instance: Instance, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="ask each account at its home instance"):
        opened(instance, tmp_path, accounts=[name])


@pytest.mark.parametrize("address", ["https://ana:s3cr3t@a.example", "a.example", "ftp://a.example"])
def test_an_address_that_is_none_or_holds_a_password_is_refused(tmp_path: Path, address: str) -> None:
    ask = {"instance": address, "accounts": ["ana"]}
    with pytest.raises(UsageError, match=r"holds no password|expected an address") as raised:
        MastodonSource(Settings(id="masto", landing=tmp_path, ask=ask))
    assert "s3cr3t" not in str(raised.value)


def test_places_are_accounts_and_hashtags_of_one_instance(tmp_path: Path) -> None:
    (spec,) = parse_specs(["m:mastodon=@ana@a.example", "m:mastodon=#tag@a.example"])
    assert MastodonAsk.of_places(spec.places) == {
        "instance": "https://a.example",
        "accounts": ["ana"],
        "hashtags": ["tag"],
    }
    assert spec.open(tmp_path).platforms == ("fediverse",)
    for places in (["@ana@a.example", "@bo@b.example"], ["ana@a.example"], ["@ana"]):
        with pytest.raises(UsageError, match="expected @USER@HOST or #TAG@HOST, all of one host"):
            MastodonAsk.of_places(places)
    with pytest.raises(ValueError, match="name `accounts`, `hashtags` or `notifications`"):
        MastodonAsk(instance="https://a.example")


def test_a_pull_into_a_warehouse(instance: Instance, tmp_path: Path, warehouse: Warehouse) -> None:
    ask = {"instance": instance.platform.url, "accounts": ["ana", "bo", "gone"]}
    spec = SourceSpec("masto", "mastodon", (), options=LiveOptions(ask=ask))
    (found,) = pull_activity.run(
        warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test")
    )
    assert (found.act_count, found.rejected_count, found.unresolved_count) == (len(WHOLE), 0, 0)
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert {name: coverage[name] for name in ("platform", "status", "lasting", "scope", "reason")} == {
        "platform": "fediverse",
        "status": "partial",
        "lasting": True,
        "scope": "population",
        "reason": "1 of 3 accounts: not there",
    }
    rows = warehouse.read(ACTIVITY, {"day": DAY}).to_pylist()
    assert Counter(row["kind"] for row in rows) == Counter(act[0] for act in WHOLE)
