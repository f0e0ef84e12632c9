"""Days of GitLab through the real client: whole, interrupted, repeated, too early, too old."""

from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from backports import zstd

from jobs import pull_activity
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.gitlab.made import AWARDS, DAY, EXPECTED, GitLab, event, note, opened, pulled
from tests.jobs.sources.killed import killed_at, recorded


def test_a_day_is_whole_and_targets_are_known(lab: GitLab, warehouse: Warehouse) -> None:
    ask = {"site": lab.platform.url, "projects": ["Bo/Tool"]}
    spec = SourceSpec("gl", "gitlab", (), None, LiveOptions(ask=ask))
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test"))
    rows = warehouse.read(ACTIVITY).to_pylist()
    assert {(row["kind"], row["actor_id"], row["activity_id"]) for row in rows} == EXPECTED
    assert {row["activity_id"]: row["target_id"] for row in rows if row["kind"] in ("like", "reply")} == {
        "note-70": "cleo", "note-71": "fay", "award-2": "eve", "award-3": "cleo", "award-4": "cleo",
    }  # fmt: skip
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert {name: coverage[name] for name in ("platform", "source", "status", "reason", "scope")} == {
        "platform": "127.0.0.1", "source": "gl", "status": "complete", "reason": AWARDS, "scope": "population",
    }  # fmt: skip


def test_what_a_user_does_elsewhere(lab: GitLab, tmp_path: Path) -> None:
    lab.values["/users/ana/events"] = [
        event(3, "commented on", at="2026-11-02T12:00:00.000Z", **note(69, on=10)),
        event(4, "commented on", **note(70)),
    ]
    found, reasons = pulled(opened(lab, tmp_path, users=["Ana"]))
    assert found == {("reply", "ana", "note-70"), ("mention", "cleo", "7#12"), ("post", "cleo", "7#12")}
    assert reasons == []
    assert [urlsplit(path).path for path in lab.platform.asked] == [
        "/api/v4/users/ana/events",
        "/api/v4/projects/7/issues/12",
    ]


def test_events_are_asked_with_a_day_more_on_each_side_and_until_they_pass_the_day(lab: GitLab, tmp_path: Path) -> None:
    later = [event(number, "pushed to", at="2026-11-04T01:00:00.000Z") for number in range(20, 30)]
    lab.values["/projects/bo%2Ftool/events"] += later
    assert pulled(opened(lab, tmp_path))[0] == EXPECTED
    asked = [path for path in lab.platform.asked if "/events" in path]
    assert len(asked) == 3
    assert asked[0].endswith("/events?after=2026-10-31&before=2026-11-05&sort=asc&per_page=100")


def test_an_act_of_a_user_in_a_named_project_is_one_act(lab: GitLab, tmp_path: Path) -> None:
    lab.values["/users/ana/events"] = [event(4, "commented on", **note(70))]
    assert pulled(opened(lab, tmp_path, projects=["bo/tool"], users=["ana"]))[0] == EXPECTED


def test_no_text_is_recorded(lab: GitLab, tmp_path: Path) -> None:
    pulled(opened(lab, tmp_path))
    assert len(recorded(tmp_path)) > 4
    assert not [path for path in recorded(tmp_path) if b"secret" in zstd.decompress(path.read_bytes())]


def test_the_same_day_again_asks_nothing_and_gives_the_same_rows(lab: GitLab, tmp_path: Path) -> None:
    first = pulled(opened(lab, tmp_path))
    lab.platform.asked.clear()
    assert pulled(opened(lab, tmp_path)) == first == (EXPECTED, [AWARDS])
    assert lab.platform.asked == []


def test_a_pull_that_is_killed_at_a_rename_asks_at_most_one_page_again(lab: GitLab, tmp_path: Path) -> None:
    whole = pulled(opened(lab, tmp_path / "whole"))
    requests, renames = len(lab.platform.asked), len(recorded(tmp_path / "whole")) + 1
    for number in range(renames):
        lab.platform.asked.clear()
        with killed_at(number):
            pulled(opened(lab, tmp_path / str(number)))
        assert pulled(opened(lab, tmp_path / str(number))) == whole
        assert len(lab.platform.asked) <= requests + 3  # an issue and two pages of its emoji are recorded together


@pytest.mark.parametrize("requests", [1, 4, 7])
def test_a_pull_out_of_budget_says_so_and_the_next_one_goes_on(lab: GitLab, tmp_path: Path, requests: int) -> None:
    _, (reason, _) = pulled(opened(lab, tmp_path, requests))
    assert (
        reason
        == f"the budget of {requests} requests is used up after 0 of 1 projects and users; the next pull resumes there"
    )
    lab.platform.asked.clear()
    assert pulled(opened(lab, tmp_path)) == (EXPECTED, [AWARDS])
    assert (f"{lab.platform.asked[0]}".startswith("/api/v4/projects/bo%2Ftool/events?after")) is (requests < 4)


def test_a_day_that_has_not_ended_is_not_asked(lab: GitLab, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    (page,) = opened(lab, tmp_path).pages(today, today)
    assert page.notes[0].absent
    assert lab.platform.asked == []


def test_days_of_years_ago_are_partial_for_good(lab: GitLab, tmp_path: Path) -> None:
    pages = list(opened(lab, tmp_path).pages(date(2020, 1, 1), date(2020, 1, 1)))
    first, _ = [note for page in pages for note in page.notes]
    assert first.reason == "1 of 1 projects and users: GitLab may have removed events of so long ago"
    assert (first.partial, first.lasting) == (True, True)


def test_a_day_that_has_ended_by_this_machines_clock_only_is_not_recorded(lab: GitLab, tmp_path: Path) -> None:
    whole, dated = lab.answer, {"Date": "Tue, 03 Nov 2026 23:59:59 GMT"}
    lab.platform.answer = lambda path: (reply := whole(path))._replace(headers=(reply.headers or {}) | dated)
    found, (reason, _) = pulled(opened(lab, tmp_path))
    assert found == set()
    assert reason == "1 of 1 projects and users failed, most with: the day has not ended; pull again"
    dated["Date"] = "Wed, 04 Nov 2026 00:00:00 GMT"
    assert pulled(opened(lab, tmp_path))[0] == EXPECTED
