"""A person leaves, and nothing of them is left or comes back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from jobs import leaving
from jobs.errors import CloutError, UsageError
from jobs.people.pulled_rows import BY_ACCOUNT
from jobs.places import landing
from jobs.sources.live.recording import Cursor, Recording
from jobs.warehouse.commits import commits
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.publications import PUBLICATIONS
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.scores import SCORES
from schemas.table import Table
from tests.fixture_types import ArrowRows
from tests.jobs import leaver
from tests.jobs.leaver import DAY, HANDLE, LEAVER, NOON, forget, named


@pytest.fixture
def pull(warehouse: Warehouse, tmp_path: Path) -> Callable[[], None]:
    """`pull()`: pulls the day's acts of four people."""
    return leaver.pulling(warehouse, tmp_path)


@pytest.fixture
def lived_in(
    warehouse: Warehouse, pull: Callable[[], None], arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch
) -> Warehouse:
    """A warehouse in which the leaver is in every table, a recording, and files that were replaced."""
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    leaver.live_in(warehouse, pull, arrow_rows)
    return warehouse


def test_nothing_is_left_of_who_leaves_and_a_certificate_says_what_was_searched(lived_in: Warehouse) -> None:
    before = named(lived_in)
    tables = {
        "activity", "accounts", "rejects", "influence", "influence_by_account", "scores", "engagement", "monthly_weights",
        "consent", "links", "lookups", "requests", "objections", "claims",
    }  # fmt: skip
    assert before >= tables | {"landing"}
    certificate = forget(lived_in)
    assert named(lived_in) == set()
    assert certificate["rows_removed"] == {
        "scores": 0, "histories": 0, "score_changes": 0, "influence": 1, "influence_by_account": 1, "links": 1,
        "consent": 1, "engagement": 2, "monthly_weights": 2, "rejects": 1, "activity": 2, "accounts_known": 0, "accounts": 1,
        "objections": 1, "requests": 1, "lookups": 1, "claims": 3,
    } | {"scores": certificate["rows_removed"]["scores"]}  # fmt: skip
    assert certificate["recorded_items_removed"] == 2
    assert certificate["files_searched"] > 20
    assert LEAVER not in json.dumps(certificate, default=str)


def test_everybody_else_stays(lived_in: Warehouse) -> None:
    forget(lived_in)
    acts = lived_in.read(ACTIVITY)
    assert sorted(acts["actor_id"].to_pylist()) == ["https://example.org/users/ana", "https://example.org/users/cy"]
    assert lived_in.read(SCORES)["person_id"].to_pylist() == ["toots:https://example.org/users/bo"]
    (page,) = (landing(lived_in.root) / "toots" / str(DAY)).glob("*.zst")
    first, cursor = zstd.decompress(page.read_bytes()).splitlines()
    assert json.loads(first) == {"by": "https://example.org/users/ana"}
    assert b"cursor" in cursor


def test_a_later_pull_brings_nobody_back_and_gives_the_rows_that_were_left(
    lived_in: Warehouse, pull: Callable[[], None]
) -> None:
    """Also the same digest, so that the day is scored again once, not twice."""
    forget(lived_in)
    digest = lived_in.read(COVERAGE)["activity_digest"].to_pylist()
    acts = lived_in.read(ACTIVITY).drop_columns("pull").sort_by("activity_id")
    pull()
    assert named(lived_in) == set()
    assert lived_in.read(COVERAGE)["activity_digest"].to_pylist() == digest
    assert lived_in.read(ACTIVITY).drop_columns("pull").sort_by("activity_id").equals(acts)
    assert lived_in.read(ACCOUNTS).num_rows == 0
    assert lived_in.read(REJECTS).num_rows == 0


def test_without_the_key_no_pull_brings_somebody_back(
    lived_in: Warehouse, pull: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(lived_in)
    monkeypatch.delenv("CLOUT_SUPPRESSION_KEYS")
    with pytest.raises(UsageError, match="people left this warehouse"):
        pull()


@pytest.mark.parametrize("step", ["_forget_recordings", "_search"])
def test_a_run_that_died_is_continued_by_the_same_command(
    lived_in: Warehouse, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class KilledError(Exception):
        """In place of SIGKILL."""

    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(leaving, step, killed)
        with pytest.raises(KilledError):
            forget(lived_in)
    forget(lived_in)
    assert named(lived_in) == set()


def test_a_run_that_died_while_acts_went_leaves_days_as_a_new_pull_would(
    lived_in: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the day would look as if acts of others were lost, and would not be scored again."""

    class KilledError(Exception):
        """In place of SIGKILL."""

    def rewritten(table: Table, *args: Any, **kwargs: Any) -> None:
        rewrite(table, *args, **kwargs)
        if table is ACTIVITY:
            raise KilledError

    rewrite = lived_in.rewrite
    with monkeypatch.context() as patched:
        patched.setattr(lived_in, "rewrite", rewritten)
        with pytest.raises(KilledError):
            forget(lived_in)
    forget(lived_in)
    (covered,) = lived_in.read(COVERAGE).to_pylist()
    assert covered["act_count"] == lived_in.row_count(ACTIVITY, {}) == 2


def test_recordings_of_a_pull_that_failed_and_lists_of_names_are_rewritten_too(lived_in: Warehouse) -> None:
    folder = landing(lived_in.root) / "toots" / "2026-11-05"  # no coverage names it
    recorded = Recording(folder, "page")
    recorded.add([{"by": "https://example.org/users/leaver"}, {"by": "ana"}], Cursor(None, True))
    (folder / "page.000001.jsonl.zst.part").write_bytes(zstd.compress(b"https://example.org/users/leaver"))
    (folder / "failed.json").write_text('["https://example.org/users/leaver", "ana"]')
    (folder / "unwilling.txt").write_text("https://example.org/users/leaver\nana\n")
    forget(lived_in)
    assert [json.loads(item) for item in recorded.items] == [{"by": "ana"}]
    assert (folder / "unwilling.txt").read_text() == "ana\n"
    assert named(lived_in) == set()


def test_others_of_the_same_handle_stay(lived_in: Warehouse, arrow_rows: ArrowRows) -> None:
    namesake = {"platform": "toots", "day": DAY, "source": "toots", "account_id": "other", "handle": HANDLE}
    lived_in.append(ACCOUNTS, arrow_rows(ACCOUNTS, [namesake]), {}, run_id="r", job="j")
    recorded = Recording(landing(lived_in.root) / "toots" / str(DAY), "others")
    recorded.add([{"handle": HANDLE, "by": "other"}], Cursor(None, True))
    forget(lived_in)
    assert len(recorded.items) == 1
    assert lived_in.read(ACCOUNTS)["account_id"].to_pylist() == ["other"]


def test_a_damaged_recording_is_named(lived_in: Warehouse) -> None:
    page = landing(lived_in.root) / "toots" / str(DAY) / "torn.000000.jsonl.zst"
    page.write_bytes(zstd.compress(b"{}")[:5])
    with pytest.raises(CloutError, match=r"torn\.000000\.jsonl\.zst: this recording is damaged; remove its folder"):
        forget(lived_in)


def test_a_persons_own_file_and_errors_about_them_do_not_name_them(lived_in: Warehouse, arrow_rows: ArrowRows) -> None:
    """An archive of one account often has its name."""
    run = {
        "run_id": "own", "day": DAY, "job": "pull_activity", "status": "failed", "error": f"/data/{HANDLE.title()}.zip: torn",
        "parameters": json.dumps({"source": "own", "places": [f"/data/{HANDLE}.zip"]}),
    }  # fmt: skip
    lived_in.append(RUNS, arrow_rows(RUNS, [run]), {}, run_id="r", job="j")
    rejected = {"platform": "toots", "day": DAY, "source": "own", "file": f"/data/{HANDLE}.zip", "excerpt": "torn"}
    lived_in.append(REJECTS, arrow_rows(REJECTS, [rejected]), {}, run_id="r", job="j")
    forget(lived_in)
    (left,) = lived_in.read(RUNS, {"run_id": "own"}).to_pylist()
    assert left["error"] == "/data/(erased).zip: torn"
    assert json.loads(left["parameters"]) == {"source": "own", "places": ["/data/(erased).zip"]}
    assert named(lived_in) == set()


def test_the_published_day_is_restated_without_naming_who_left(lived_in: Warehouse) -> None:
    forget(lived_in)
    changes = lived_in.read(PUBLICATIONS).to_pylist()
    assert [(row["change"], row["people"]) for row in changes] == [("consent", 1)]


def test_many_people_leave_at_once_and_each_file_of_theirs_is_written_anew_once(
    lived_in: Warehouse, arrow_rows: ArrowRows
) -> None:
    """Somebody on another platform has the name of one of them, and stays."""
    cy, namesake = "toots:https://example.org/users/cy", {"platform": "web", "day": DAY, "source": "web"}
    acts = [{**namesake, "activity_id": str(n), "actor_id": HANDLE, "target_id": LEAVER[6:]} for n in range(2)]
    lived_in.append(ACTIVITY, arrow_rows(ACTIVITY, acts), {}, run_id="r", job="j")
    before = {table: len(list(commits(lived_in.delta(table).history()))) for table in BY_ACCOUNT}
    leaving.forget(lived_in, leaving.Params(people=(LEAVER, cy, "web:ana"), at=NOON), leaver.BATCH)
    assert {table.name: len(list(commits(lived_in.delta(table).history()))) - count for table, count in before.items()} == {
        "activity": 1, "accounts": 1, "accounts_known": 0,
    }  # fmt: skip
    assert {row["actor_id"] for row in lived_in.read(ACTIVITY).to_pylist()} == {
        "https://example.org/users/ana", HANDLE,
    }  # fmt: skip


def test_an_id_that_is_none_is_refused(lived_in: Warehouse) -> None:
    with pytest.raises(UsageError, match="'leaver' is no person_id"):
        leaving.Params(people=("leaver",), at=NOON)
