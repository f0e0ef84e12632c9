"""A day that has not begun, one that is not over, and one whose data may still come: by hand and as the nights pull it."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jobs.cli import main
from jobs.errors import UsageError
from jobs.nights.readiness import NotSettledError
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE

LONG_AGO = date(2020, 1, 31)


@pytest.fixture
def pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict]:
    """`pull(day, *options)`: pulls the day from a file that holds one act of it; returns its row of coverage."""

    def pulled(day: date, *options: str, cut: int = 0) -> dict:
        warehouse = Warehouse(str(tmp_path / "warehouse"))
        monkeypatch.setenv("CLOUT_WAREHOUSE", warehouse.root)
        path = tmp_path / "acts.jsonl.gz"
        acted = {"type": "Like", "actor": "ana", "published": f"{day}T00:00:00Z"}
        line = json.dumps(acted | {"object": {"id": "b1", "attributedTo": "bo"}}) + "\n"
        content = gzip.compress(line.encode())
        path.write_bytes(content[: len(content) - cut])
        command = ["pull", "--day", str(day), "--source", f"toots:activitystreams={path}", *options]
        main.app(command, standalone_mode=False)
        (row,) = warehouse.read(COVERAGE, {"day": day}).to_pylist()
        return row

    return pulled


def test_a_day_that_has_not_begun_is_refused_and_the_newest_one_named(pull: Callable[..., dict]) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    for command in (
        ["pull", "--day", str(tomorrow)],
        ["run", "--first-day", "2020-01-01", "--last-day", str(tomorrow)],
    ):
        with pytest.raises(
            UsageError, match=rf"^{tomorrow} has not begun: it is .* UTC\. The newest day that is over is"
        ):
            main.app(command, standalone_mode=False)


@pytest.mark.integration
def test_a_day_that_is_not_over_is_partial_and_by_hand_that_is_no_failure(pull: Callable[..., dict]) -> None:
    row = pull(datetime.now(UTC).date())
    assert (row["status"], row["reason"], row["lasting"]) == ("partial", "it was pulled before it ended", False)
    row = pull(LONG_AGO)
    assert (row["status"], row["reason"], row["lasting"]) == ("complete", None, None)


@pytest.mark.integration
def test_the_pull_of_a_night_fails_for_a_retry_and_keeps_what_it_pulled(
    pull: Callable[..., dict], tmp_path: Path
) -> None:
    today = datetime.now(UTC).date()
    with pytest.raises(NotSettledError, match=f"^source toots: {today} of toots is partial"):
        pull(today, "--settle")
    warehouse = Warehouse(str(tmp_path / "warehouse"))
    assert warehouse.read(COVERAGE)["status"].to_pylist() == ["partial"]
    assert warehouse.read(ACTIVITY).num_rows == 1


@pytest.mark.integration
def test_the_pull_of_a_night_takes_a_partial_day_that_settled(pull: Callable[..., dict]) -> None:
    assert pull(LONG_AGO, "--settle", "--max-reject-share", "1", cut=4)["status"] == "partial"
