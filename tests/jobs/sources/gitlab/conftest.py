"""The small GitLab, for one test."""

import pytest

from jobs.sources import gitlab
from tests.jobs.sources.gitlab.made import GitLab, award, event, note, thread
from tests.jobs.sources.platform_server import Platform


@pytest.fixture
def lab(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> GitLab:
    """One project with one day of events; likes on an issue of the day and on one of the day before."""
    monkeypatch.setattr(gitlab, "PAGE_THREADS", 1)
    made = GitLab(platform)
    made.values["/projects/bo%2Ftool/events"] = [
        event(1, "closed", at="2026-10-20T12:00:00.000Z", target_type="Issue", target_iid=9),
        event(2, "closed", at="2026-11-02T12:00:00.000Z", target_type="Issue", target_iid=10),
        event(3, "opened", by="Cleo", target_type="Issue", target_iid=12),
        event(4, "commented on", **note(70)),
        event(5, "commented on", by="Dee", **note(71, 3, "MergeRequest")),
        event(6, "pushed to", by="Bo"),
        event(7, "commented on", at="2026-11-04T00:00:00.000Z", **note(72)),
    ]
    made.values["/projects/bo%2Ftool"] = made.values["/projects/7"] = {
        "id": 7,
        "visibility": "public",
        "name": "secret text",
    }
    made.values["/projects/7/issues/10"] = thread(10, at="2026-01-01T00:00:00.000Z", by="Eve")
    made.values["/projects/7/issues/12"] = thread(12)
    made.values["/projects/7/merge_requests/3"] = thread(3, "!", by="Fay", at="2026-11-01T00:00:00.000Z")
    made.values["/projects/7/issues/10/award_emoji"] = [award(1, at="2026-02-01T00:00:00.000Z"), award(2)]
    made.values["/projects/7/issues/12/award_emoji"] = [award(3), award(4, by="Gus"), award(5, name="thumbsdown")]
    made.values["/projects/7/merge_requests/3/award_emoji"] = []
    return made
