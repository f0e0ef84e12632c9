"""Somebody leaves who owns content of others' acts, such as a repository: nothing names them, and nobody else's act is lost."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from jobs import leaving, pull_activity
from jobs.errors import CloutError
from jobs.places import landing
from jobs.sources import suppressed_recordings
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.spec import parse_specs
from jobs.warehouse import suppression
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.runs import RUNS

DAY = date(2015, 1, 2)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
BATCH = Batch("test")
OWNER = "dorothea"


def event(number: int, kind: str, actor: str, repository: str, payload: dict) -> dict:
    return {
        "id": f"9{number}", "type": kind, "actor": {"login": actor}, "repo": {"name": repository}, "payload": payload,
        "public": True, "created_at": f"{DAY}T12:00:{number:02d}Z",
    }  # fmt: skip


def opened(number: int, actor: str, repository: str, what: str, thread: int) -> dict:
    kind = {"issue": "IssuesEvent", "pull_request": "PullRequestEvent"}[what]
    return event(
        number, kind, actor, repository, {"action": "opened", what: {"number": thread, "user": {"login": actor}}}
    )


def review(number: int, actor: str, repository: str, thread: int) -> dict:
    """Of a pull request whose author only its own event names."""
    payload = {"action": "created", "pull_request": {"number": thread}, "comment": {"id": 70 + number}}
    return event(number, "PullRequestReviewCommentEvent", actor, repository, payload)


EVENTS = [
    event(1, "WatchEvent", "ana", f"{OWNER}/garden", {}),  # towards the owner
    opened(2, "bo", f"{OWNER}/garden", "issue", 1),  # a mention of the owner, and bo's post
    event(3, "IssueCommentEvent", "ana", f"{OWNER}/garden",
          {"action": "created", "issue": {"number": 1, "user": {"login": "bo"}}, "comment": {"id": 7}}),  # a reply to bo
    opened(4, "cy", f"{OWNER}/garden", "pull_request", 2),
    review(5, "ana", f"{OWNER}/garden", 2),  # a reply to cy, whom only the event before names
    opened(6, OWNER, "bo/shed", "pull_request", 8),
    review(7, "cy", "bo/shed", 8),  # a reply to the owner
    event(8, "WatchEvent", "cy", f"ana/{OWNER}.github.io", {}),  # towards ana
    review(9, "ana", f"{OWNER}/garden", 99),  # to nobody known: ana's post
    event(10, "WatchEvent", "ana", "bo/shed", {}),
]  # fmt: skip
KEPT = {("post", "bo"), ("reply", "ana"), ("post", "cy"), ("like", "cy"), ("post", "ana"), ("like", "ana")}


@pytest.fixture
def pull(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`pull()`: pulls the day again."""
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    folder = tmp_path / "hours"
    folder.mkdir()
    (folder / f"{DAY}-12.json").write_text("\n".join(map(json.dumps, EVENTS)))
    (source,) = parse_specs([f"gh:gharchive={folder}"])

    def pulled() -> None:
        params = pull_activity.Params(source=source, first_day=DAY, last_day=DAY, max_reject_share=1)
        pull_activity.run(warehouse, params, BATCH)

    pulled()
    return pulled


def forget(warehouse: Warehouse) -> dict:
    return leaving.forget(warehouse, leaving.Params(people=(f"github:{OWNER}",), at=NOON), BATCH)


def acts(warehouse: Warehouse) -> list[dict]:
    return (
        warehouse.read(ACTIVITY)
        .drop_columns("pull")
        .sort_by([("activity_id", "ascending"), ("kind", "ascending")])
        .to_pylist()
    )


def test_an_owner_leaves_and_nobody_elses_act_is_lost(warehouse: Warehouse, pull: Callable[[], None]) -> None:
    before = acts(warehouse)
    forget(warehouse)  # raises if a byte still names the owner
    after = acts(warehouse)
    others = [act for act in before if OWNER not in (act["actor_id"], act["target_id"])]
    same = ("kind", "actor_id", "target_id", "occurred_at")
    assert sorted([act[name] for name in same] for act in after) == sorted(
        [act[name] for name in same] for act in others
    )
    assert {(act["kind"], act["actor_id"]) for act in after} == KEPT


def test_content_of_one_owner_stays_apart_and_together(warehouse: Warehouse, pull: Callable[[], None]) -> None:
    """The reply still names the issue that it answers, and no two ids became one."""
    forget(warehouse)
    of = {(act["kind"], act["actor_id"], act["target_id"]): act for act in acts(warehouse)}
    issue = of["post", "bo", "bo"]["activity_id"]
    assert issue.startswith("left-")
    assert issue.endswith("/garden#1")
    assert of["reply", "ana", "bo"]["object_id"] == issue
    assert of["like", "cy", "ana"]["object_id"].startswith("ana/left-")


def test_a_later_pull_gives_the_rows_and_digests_that_were_left(warehouse: Warehouse, pull: Callable[[], None]) -> None:
    forget(warehouse)
    digests = warehouse.read(COVERAGE, columns=["activity_digest", "accounts_digest", "act_count"]).to_pylist()
    rows, rejects = acts(warehouse), warehouse.read(REJECTS).num_rows
    pull()
    assert acts(warehouse) == rows
    assert warehouse.read(COVERAGE, columns=["activity_digest", "accounts_digest", "act_count"]).to_pylist() == digests
    assert warehouse.read(REJECTS).num_rows == rejects
    assert OWNER not in str(warehouse.read(REJECTS).to_pylist())


def test_a_later_pull_of_a_persons_own_files_names_them_nowhere(
    warehouse: Warehouse, pull: Callable[[], None], tmp_path: Path
) -> None:
    """Neither when it succeeds nor when it fails."""
    folder = (tmp_path / "hours").rename(tmp_path / OWNER)
    forget(warehouse)
    with (folder / f"{DAY}-12.json").open("a") as hour:
        hour.write("\nno JSON")
    (source,) = parse_specs([f"gh:gharchive={folder}"])
    for share in (1, 0):
        params = pull_activity.Params(source=source, first_day=DAY, last_day=DAY, max_reject_share=share)
        with suppress(CloutError):
            pull_activity.run(warehouse, params, BATCH)
    assert {row["status"] for row in warehouse.read(RUNS, {"job": "pull_activity"}).to_pylist()} == {"done", "failed"}
    for table in (RUNS, REJECTS, COVERAGE, ACTIVITY):
        assert OWNER not in str(warehouse.read(table).to_pylist())


def test_after_a_rotation_the_same_token_stands_in_place_of_a_name(
    warehouse: Warehouse, pull: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(warehouse)
    rows = acts(warehouse)
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", f"{'8' * 64},{'7' * 64}")
    pull()
    assert acts(warehouse) == rows


def test_recorded_items_of_others_stay_in_a_repository_of_who_left(
    warehouse: Warehouse, pull: Callable[[], None]
) -> None:
    folder = landing(warehouse.root) / "live" / "2026-11-03"
    recorded = Recording(folder, f"{OWNER}/garden")
    recorded.add(EVENTS[1:3], Cursor(None, True))
    Recording(folder, f"{OWNER}/unfinished").add(EVENTS[1:2], Cursor(["events"], False))
    suppression.record(warehouse, [f"github:{OWNER}"], at=NOON, run_id="r")
    left = suppression.current(warehouse)
    suppressed_recordings.rewrite(folder, "github", left)
    (page,) = folder.glob("*.zst")
    unit = left.id_without("github", f"{OWNER}/garden")
    assert page == Recording(folder, unit).page(0)
    assert [json.loads(item)["actor"]["login"] for item in Recording(folder, unit).items] == ["bo", "ana"]
    assert OWNER.encode() not in b"".join(Recording(folder, unit).items)
    assert suppressed_recordings.rewrite(folder, "github", left) == 0  # idempotent


def test_whose_address_contains_the_name_is_nobody_who_left(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    suppression.record(warehouse, ["x:dorothea"], at=NOON, run_id="r")
    left = suppression.current(warehouse)
    line = '{"actor":"https://other.example/dorothea","object":"https://x.example/1"}'
    assert left.without("x", line) == line
    assert not left.is_about("x", line)
