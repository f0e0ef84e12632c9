"""What accounts of an instance take back on later days, through the whole pull."""

from datetime import date, timedelta
from typing import Any

import pytest

from jobs import pull_activity
from jobs.sources.live.recording import GONE
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.mastodon_instance import AFTER, BO, DAY, Instance, peopled
from tests.jobs.sources.platform_server import Platform, Reply

NEXT = DAY + timedelta(days=1)


@pytest.fixture
def instance(platform: Platform, warehouse: Warehouse) -> Instance:
    """After the pull of its day, a day later."""
    made = peopled(platform)
    pull(made, warehouse)
    made.now = AFTER + timedelta(days=1)
    return made


def pull(instance: Instance, warehouse: Warehouse, day: date = DAY, **options: Any) -> None:
    ask = {"instance": instance.platform.url, "accounts": ["ana", "bo"]}
    spec = SourceSpec("masto", "mastodon", (), options=LiveOptions(ask=ask, **options))
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=day, last_day=day), Batch("test"))


def ids(warehouse: Warehouse, by: str, day: date = DAY) -> set[str]:
    """The ends of the ids of the acts of an account, without likes and reshares in lists, which have made up ones."""
    rows = warehouse.read(ACTIVITY, {"day": day}).to_pylist()
    found = {row["activity_id"] for row in rows if row["actor_id"].endswith(f"/{by}") and row["kind"] != "like"}
    return {name.partition("/statuses/")[2] for name in found if "/statuses/" in name}


def test_a_deleted_status_and_a_reblog_that_is_taken_back_leave_the_day_they_belong_to(
    instance: Instance, warehouse: Warehouse
) -> None:
    assert (ids(warehouse, "ana"), ids(warehouse, "bo")) == ({"10", "15"}, {"16", "17/activity"})
    instance.statuses = [one for one in instance.statuses if one["id"] not in ("15", "17")]
    pull(instance, warehouse, NEXT)
    assert (ids(warehouse, "ana"), ids(warehouse, "bo")) == ({"10"}, {"16"})
    (row,) = warehouse.read(COVERAGE, {"day": DAY}).to_pylist()
    assert row["status"] == "complete"
    asked = len(instance.asked)
    pull(instance, warehouse)
    assert (ids(warehouse, "ana"), len(instance.asked)) == ({"10"}, asked)


def test_what_is_still_there_takes_back_nothing(instance: Instance, warehouse: Warehouse) -> None:
    pull(instance, warehouse, NEXT)
    assert (ids(warehouse, "ana"), ids(warehouse, "bo")) == ({"10", "15"}, {"16", "17/activity"})


@pytest.mark.parametrize("revisit_days", [0, 1])
def test_only_days_that_were_read_again_lose_statuses(
    instance: Instance, warehouse: Warehouse, revisit_days: int
) -> None:
    instance.statuses = [one for one in instance.statuses if one["id"] != "15"]
    pull(instance, warehouse, NEXT, revisit_days=revisit_days)
    assert ("15" in ids(warehouse, "ana")) is (revisit_days == 0)


def test_a_list_that_was_not_read_to_its_end_takes_back_nothing(instance: Instance, warehouse: Warehouse) -> None:
    """Nor does one without any status, as of an account that is hidden for a while."""
    instance.odd["/api/v1/accounts/1/statuses"] = Reply([])
    instance.odd["/api/v1/accounts/2/statuses"] = Reply({}, 418)
    pull(instance, warehouse, NEXT)
    assert (ids(warehouse, "ana"), ids(warehouse, "bo")) == ({"10", "15"}, {"16", "17/activity"})


def without_reply(instance: Instance, left: int) -> None:
    """Cy deletes a reply to Ana. What Di answered to it is there, but no longer in the thread."""
    _, deeper, hidden = instance.threads["10"]
    instance.threads["10"], instance.orphans = [hidden], [deeper]
    for status in instance.statuses:
        if status["id"] == "10":
            status["replies_count"] = left


@pytest.mark.parametrize("left", [0, 1])
def test_a_reply_that_somebody_else_deletes_leaves_its_day(instance: Instance, warehouse: Warehouse, left: int) -> None:
    assert (ids(warehouse, "cy"), ids(warehouse, "di")) == ({"11"}, {"12"})
    without_reply(instance, left)
    pull(instance, warehouse, NEXT)
    assert (ids(warehouse, "cy"), ids(warehouse, "di")) == (set(), {"12"})
    asked = len(instance.asked)
    pull(instance, warehouse)
    pull(instance, warehouse, NEXT)
    assert (ids(warehouse, "cy"), len(instance.asked)) == (set(), asked)


@pytest.mark.parametrize("status", [403, 451])
def test_a_reply_that_is_hidden_or_withheld_stays(instance: Instance, warehouse: Warehouse, status: int) -> None:
    without_reply(instance, 1)
    instance.odd["/api/v1/statuses/11"] = Reply({"error": "?"}, status)
    pull(instance, warehouse, NEXT)
    assert (ids(warehouse, "cy"), ids(warehouse, "di")) == ({"11"}, {"12"})


def test_a_thread_that_is_cut_off_takes_back_nothing(
    instance: Instance, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_reply(instance, 1)
    monkeypatch.setattr("jobs.sources.mastodon_pull.ANONYMOUS_THREAD", 1)
    pull(instance, warehouse, NEXT)
    assert ids(warehouse, "cy") == {"11"}
    assert "/api/v1/statuses/11" not in instance.asked


@pytest.mark.parametrize(
    "reply",
    [Reply({"error": "Record not found"}, 404), Reply({"error": "Gone"}, 410), Reply(BO | {"suspended": True})],
    ids=["404", "410", "suspended"],
)
def test_an_account_that_is_gone_takes_back_all_it_did(instance: Instance, warehouse: Warehouse, reply: Reply) -> None:
    whole = instance.answer
    instance.platform.answer = lambda path: reply if path.endswith("lookup?acct=bo") else whole(path)
    before = warehouse.read(ACTIVITY, {"day": DAY}).to_pylist()
    pull(instance, warehouse, NEXT)
    after = warehouse.read(ACTIVITY, {"day": DAY}).to_pylist()
    assert {row["actor_id"] for row in before} - {row["actor_id"] for row in after} == {BO["uri"]}
    assert len(after) == sum(row["actor_id"] != BO["uri"] for row in before)
    (row,) = warehouse.read(COVERAGE, {"day": NEXT}).to_pylist()
    assert row["reason"] == f"1 of 2 accounts: {GONE}"


@pytest.mark.parametrize("status", [404, 451])
def test_an_instance_that_withholds_accounts_or_denies_that_any_exists_takes_back_nothing(
    instance: Instance, warehouse: Warehouse, status: int
) -> None:
    instance.odd["/api/v1/accounts/lookup"] = Reply({"error": "Record not found"}, status)
    pull(instance, warehouse, NEXT)
    assert (ids(warehouse, "ana"), ids(warehouse, "bo")) == ({"10", "15"}, {"16", "17/activity"})
