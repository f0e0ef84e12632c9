"""Users who are not there any more: deleted ones take back what they did on earlier days."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.sources.gitlab.made import DAY, EXPECTED, GitLab, event, opened, pulled

NEXT = DAY + timedelta(days=1)


@pytest.mark.parametrize("is_renamed", [False, True])
def test_only_a_deleted_user_takes_back_acts(lab: GitLab, tmp_path: Path, is_renamed: bool) -> None:
    lab.values["/users/ana/events"] = [event(20, "pushed to")]
    ask: dict[str, Any] = {"projects": ["bo/tool"], "users": ["ana"]}
    acts, _ = pulled(opened(lab, tmp_path, **ask))
    assert acts == EXPECTED | {("post", "ana", "event-20")}
    del lab.values["/users/ana/events"]
    if is_renamed:
        lab.values["/users/1"] = {"id": 1, "username": "Ana2"}
    _, reasons = pulled(opened(lab, tmp_path, **ask), NEXT)
    assert reasons[0] == f"1 of 2 projects and users: {'renamed' if is_renamed else 'not there'}"
    left, _ = pulled(opened(lab, tmp_path, **ask))
    assert left == (acts if is_renamed else {act for act in acts if act[1] != "ana"})
