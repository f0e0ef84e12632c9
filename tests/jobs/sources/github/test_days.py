"""Days of GitHub through the real client: by events, by lists, interrupted, repeated, too early."""

from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from backports import zstd

from jobs import pull_activity
from jobs.sources import github
from jobs.sources.spec import LiveOptions, SourceSpec, parse_specs
from jobs.warehouse import counted
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.github.made import (
    BY_EVENTS,
    BY_LISTS,
    DAY,
    NEXT_NOON,
    NOON,
    ON_CODE,
    GitHub,
    comment,
    event,
    opened,
    pulled,
    user,
)
from tests.jobs.sources.killed import killed_at, recorded

# A day


def test_a_day_by_events_is_whole(hub: GitHub, tmp_path: Path) -> None:
    assert pulled(opened(hub, tmp_path)) == (BY_EVENTS, [])
    assert hub.paths() == ["/repos/bo/tool/events"] * 3
    assert "per_page=100" in hub.platform.asked[0]


def test_events_are_read_until_they_reach_back(hub: GitHub, tmp_path: Path) -> None:
    hub.lists["/repos/bo/tool/events"][2:] = [
        event(str(n), f"2026-11-02T2{n}:00:00Z", actor="early") for n in (3, 2, 1, 0)
    ]
    assert pulled(opened(hub, tmp_path)) == ({("like", "ana", "8")}, [])
    assert len(hub.platform.asked) == 2


def test_lists_are_read_until_they_pass_the_day(long_ago: GitHub, tmp_path: Path) -> None:
    later = [comment(number, at="2026-11-05T00:00:00Z") for number in range(100, 110)]
    long_ago.lists["/repos/bo/tool/issues/comments"] += later
    assert pulled(opened(long_ago, tmp_path))[0] == BY_EVENTS | BY_LISTS
    assert sum(path.endswith("/issues/comments") for path in long_ago.paths()) == 2


def test_a_short_list_of_events_is_whole_within_github_s_memory(hub: GitHub, tmp_path: Path) -> None:
    del hub.lists["/repos/bo/tool/events"][3:]
    assert pulled(opened(hub, tmp_path)) == ({("like", "ana", "8"), ("reply", "ana", "issuecomment-70")}, [])
    assert hub.paths() == ["/repos/bo/tool/events"] * 2


def test_a_day_by_lists_where_300_events_do_not_reach_back(hub: GitHub, tmp_path: Path) -> None:
    hub.lists["/repos/bo/tool/events"][3:] = [event(str(number)) for number in (3, 2, 1)]
    found, (note,) = pulled(opened(hub, tmp_path))
    likes = {("like", "ana", number) for number in "8321"}
    assert found == BY_LISTS | likes
    assert note.reason == (
        "1 of 1 repositories and accounts: its 300 events do not reach back to the day's start: stars, forks, pushes and"
        " reviews are missing"
    )
    assert (note.partial, note.lasting) == (True, True)


@pytest.mark.parametrize(("days", "asks_events"), [(45, True), (2_000, False)])
def test_a_day_of_years_ago_by_lists(
    hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, asks_events: bool
) -> None:
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=days))
    hub.lists["/repos/bo/tool/events"] = []
    found, (note,) = pulled(opened(hub, tmp_path))
    assert found == BY_LISTS
    assert "GitHub's events do not reach back" in note.reason
    assert ("/repos/bo/tool/events" in hub.paths()) is asks_events
    assert sum(path.endswith("/issues/comments") for path in hub.paths()) == 2
    assert all("since=2026-11-02T23%3A59%3A59Z" in path for path in hub.platform.asked if "since" in path)


def test_both_ways_give_the_same_rows_and_gharchive_the_same_ids(
    hub: GitHub, tmp_path: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comments and openings by events of GH Archive, by events of the API and by lists: of each act, all rows agree in what
    makes them one act."""
    hub.lists["/repos/bo/tool/events"][1:1] = [
        event("81", kind="PullRequestReviewCommentEvent", actor="dan", **ON_CODE),
        event("82", kind="PullRequestEvent", actor="fay", action="opened", number=13, pull_request={"number": 13}),
        event("83", kind="IssueCommentEvent", action="created", issue={"number": 11, "user": user("Eve")}, comment={"id": 71}),
    ]  # fmt: skip
    hub.size = 100
    hours = tmp_path / "hours"
    hours.mkdir()
    lines = [orjson.dumps(item) for item in hub.lists["/repos/bo/tool/events"] if item["created_at"] == NOON]
    for hour in range(24):
        ignored = orjson.dumps(event("x", f"2026-11-03T{hour:02}:00:00Z", "GollumEvent"))
        (hours / f"2026-11-03-{hour}.json").write_bytes(b"\n".join([ignored, *(lines if hour == 12 else [])]))

    def pull(spec: SourceSpec) -> None:
        params = pull_activity.Params(source=spec, first_day=DAY, last_day=DAY)
        pull_activity.run(warehouse, params, Batch("test"))

    ask = {"repositories": ["Bo/Tool"], "api": hub.platform.url}
    pull(SourceSpec("live", "github", (), None, LiveOptions(ask=ask)))
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=2_000))
    pull(SourceSpec("years-later", "github", (), None, LiveOptions(ask=ask)))
    pull(parse_specs([f"gharchive={hours}"])[0])

    rows = (
        warehouse.read(ACTIVITY).filter(counted.condition(warehouse.read(COVERAGE, columns=counted.NAMES))).to_pylist()
    )
    names = ("day", "platform", "actor_id", "target_id", "activity_id", "kind")
    by_source = {
        source: {tuple(row[name] for name in names) for row in rows if row["source"] == source}
        for source in ("live", "years-later", "gharchive")
    }  # fmt: skip
    assert by_source["live"] == by_source["gharchive"]
    coverage = {row["source"]: (row["status"], row["lasting"]) for row in warehouse.read(COVERAGE).to_pylist()}
    assert (coverage["live"], coverage["years-later"]) == (("complete", None), ("partial", True))
    like = (DAY, "github", "ana", "bo", "8", "like")
    assert by_source["years-later"] == by_source["live"] - {like}
    assert len(by_source["years-later"]) == 7


def test_a_pull_request_that_events_do_not_name_the_author_of_is_looked_up(
    hub: GitHub, tmp_path: Path, warehouse: Warehouse
) -> None:
    hub.lists["/repos/bo/tool/events"][1:1] = [
        event("81", kind="PullRequestReviewCommentEvent", actor="dan", **ON_CODE)
    ]  # fmt: skip
    ask = {"repositories": ["Bo/Tool"], "api": hub.platform.url}
    spec = SourceSpec("live", "github", (), None, LiveOptions(ask=ask))
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test"))
    (row,) = [row for row in warehouse.read(ACTIVITY).to_pylist() if row["actor_id"] == "dan"]
    assert (row["target_id"], row["activity_id"]) == ("fay", "discussion_r80")
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert {name: coverage[name] for name in ("platform", "source", "status", "reason", "scope")} == {
        "platform": "github", "source": "live", "status": "complete", "reason": None, "scope": "population",
    }  # fmt: skip


def test_what_users_and_organisations_do(hub: GitHub, tmp_path: Path) -> None:
    hub.lists["/users/ci%5Bbot%5D/events/public"] = [event("1", actor="ci[bot]")]
    hub.lists["/orgs/acme/events"] = [event("2"), event("8")]
    hub.lists["/users/gone/events/public"] = [event(str(number)) for number in range(20, 40)]
    source = opened(hub, tmp_path, users=["ci[bot]", "Gone"], organizations=["Acme"], repositories=["Bo/Tool"])
    found, (note,) = pulled(source)
    others = {("like", "ana", str(number)) for number in (2, *range(20, 26))}
    assert found == BY_EVENTS | others | {("like", "ci[bot]", "1")}
    assert note.reason == "1 of 4 repositories and accounts: its 300 events do not reach back to the day's start"


def test_users_have_no_events_of_years_ago_and_are_not_asked(
    hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=2_000))
    found, (note,) = pulled(opened(hub, tmp_path, users=["ana"]))
    assert (found, hub.platform.asked) == (set(), [])
    assert note.reason == "1 of 1 repositories and accounts: GitHub's events do not reach back to the day's start"


def test_no_text_is_recorded(hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled(opened(hub, tmp_path / "events"))
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=2_000))
    pulled(opened(hub, tmp_path / "lists"))
    assert len(recorded(tmp_path)) > 6
    assert not [path for path in recorded(tmp_path) if b"secret" in zstd.decompress(path.read_bytes())]


# Interrupted, repeated, early


def test_the_same_day_again_asks_nothing_and_gives_the_same_rows(long_ago: GitHub, tmp_path: Path) -> None:
    first = pulled(opened(long_ago, tmp_path))
    long_ago.platform.asked.clear()
    assert pulled(opened(long_ago, tmp_path)) == first
    assert long_ago.platform.asked == []


def test_a_pull_that_is_killed_at_a_rename_asks_at_most_one_page_again(long_ago: GitHub, tmp_path: Path) -> None:
    whole = pulled(opened(long_ago, tmp_path / "whole"))
    requests = len(long_ago.platform.asked)
    renames = len(recorded(tmp_path / "whole")) + 1  # the population's, too
    assert renames >= 7
    for number in range(renames):
        long_ago.platform.asked.clear()
        landing = tmp_path / str(number)
        with killed_at(number):
            pulled(opened(long_ago, landing))
        assert pulled(opened(long_ago, landing)) == whole
        assert len(long_ago.platform.asked) <= requests + 1


@pytest.mark.parametrize("requests", [1, 3, 5])
def test_a_pull_out_of_budget_says_so_and_the_next_one_goes_on(long_ago: GitHub, tmp_path: Path, requests: int) -> None:
    whole = pulled(opened(long_ago, tmp_path / "whole"))
    long_ago.platform.asked.clear()
    _, (note,) = pulled(opened(long_ago, tmp_path, requests))
    assert note.reason == (
        f"the budget of {requests} requests is used up after 0 of 1 repositories and accounts; the next pull resumes there"
    )
    assert (note.partial, note.lasting, note.absent) == (True, False, False)
    assert pulled(opened(long_ago, tmp_path)) == whole
    assert len(long_ago.platform.asked) == len(set(long_ago.platform.asked))


def test_a_day_that_is_asked_too_early_is_asked_once_more(
    hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON.replace(hour=1))
    late = hub.lists["/repos/bo/tool/events"].pop(1)
    found, (note,) = pulled(opened(hub, tmp_path))
    assert found == BY_EVENTS - {("like", "ana", "8")}
    assert (note.reason, note.partial, note.lasting) == (
        "GitHub lists events up to 6 hours late: pull again after 06:00 UTC", True, False,
    )  # fmt: skip
    hub.platform.asked.clear()
    assert pulled(opened(hub, tmp_path)) == (found, [note])  # a task that is retried asks nothing meanwhile
    assert hub.platform.asked == []
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON.replace(hour=6))
    hub.lists["/repos/bo/tool/events"].insert(1, late)
    assert pulled(opened(hub, tmp_path)) == (BY_EVENTS, [])


def test_a_day_is_too_early_also_by_githubs_clock_alone(hub: GitHub, tmp_path: Path) -> None:
    whole = hub.answer
    dated = {"Date": "Wed, 04 Nov 2026 05:59:59 GMT"}
    hub.platform.answer = lambda path: (reply := whole(path))._replace(headers=(reply.headers or {}) | dated)
    found, (note,) = pulled(opened(hub, tmp_path))
    assert found == BY_EVENTS
    assert note.reason == "GitHub lists events up to 6 hours late: pull again after 06:00 UTC"
    dated["Date"] = "Wed, 04 Nov 2026 06:00:00 GMT"
    assert pulled(opened(hub, tmp_path)) == (BY_EVENTS, [])


def test_a_pull_that_began_too_early_and_was_killed_begins_again(
    hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON.replace(hour=1))
    late = hub.lists["/repos/bo/tool/events"].pop(1)
    pulled(opened(hub, tmp_path, requests=1))
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON)
    hub.lists["/repos/bo/tool/events"].insert(1, late)
    assert pulled(opened(hub, tmp_path)) == (BY_EVENTS, [])
