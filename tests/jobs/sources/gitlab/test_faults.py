"""What GitLab does wrong, who is asked, and with which token."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from jobs.errors import UsageError
from jobs.sources.gitlab import GitLabAsk
from jobs.sources.live.http import NotAllowedError
from jobs.sources.spec import parse_specs
from tests.jobs.sources.gitlab.made import AWARDS, DAY, EXPECTED, SECRET, GitLab, event, note, opened, pulled
from tests.jobs.sources.killed import recorded
from tests.jobs.sources.platform_server import Reply

# Faults of the platform


def test_a_unit_that_is_gone_or_private_does_not_stop_the_others(lab: GitLab, tmp_path: Path) -> None:
    found, (reason, _) = pulled(opened(lab, tmp_path, projects=["gone/gone", "bo/tool"], users=["nobody"]))
    assert found == EXPECTED
    assert reason == "2 of 3 projects and users: not there"


@pytest.mark.parametrize("status", [403, 404])
def test_an_issue_that_is_not_public_is_left_out(lab: GitLab, tmp_path: Path, status: int) -> None:
    whole = lab.answer
    lab.platform.answer = lambda path: Reply({}, status) if "/issues/12" in path else whole(path)
    found, _ = pulled(opened(lab, tmp_path))
    assert found == EXPECTED - {act for act in EXPECTED if act[2] in ("7#12", "award-3", "award-4")}


def test_a_renamed_project_answers_under_its_new_name(lab: GitLab, tmp_path: Path) -> None:
    whole = lab.answer

    def answer(path: str) -> Reply:
        if path.startswith("/api/v4/projects/old%2Fname/events?"):
            return Reply(b"", 301, {"Location": f"{lab.platform.url}{path.replace('old%2Fname', 'bo%2Ftool')}"})
        return whole(path)

    lab.platform.answer = answer
    assert pulled(opened(lab, tmp_path, projects=["old/name"]))[0] == EXPECTED


def test_a_limit_is_waited_for(lab: GitLab, tmp_path: Path) -> None:
    whole, limits = lab.answer, [Reply(b"Retry later", 429, {"Retry-After": "30"})]
    lab.platform.answer = lambda path: limits.pop() if limits else whole(path)
    assert pulled(opened(lab, tmp_path))[0] == EXPECTED


@pytest.mark.parametrize(
    "body",
    [b"<html>secret text</html>", b"", b'[{"id": 1, ', b'{"error": "secret text"}'],
    ids=["HTML", "empty", "cut", "object"],
)
def test_an_answer_that_is_no_list_fails_the_unit_only(lab: GitLab, tmp_path: Path, body: bytes) -> None:
    whole = lab.answer
    lab.platform.answer = lambda path: Reply(body) if "odd" in path else whole(path)
    found, (reason, _) = pulled(opened(lab, tmp_path, projects=["odd/odd", "bo/tool"]))
    assert found == EXPECTED
    assert reason.startswith("1 of 2 projects and users failed, most with: ")
    assert "secret" not in reason


def test_a_next_that_leads_back_fails_the_unit(lab: GitLab, tmp_path: Path) -> None:
    link = {"Link": f'<{lab.platform.url}/api/v4/again>; rel="next"'}
    lab.platform.answer = lambda _: Reply([event(6, "pushed to")], 200, link)
    _, (reason, _) = pulled(opened(lab, tmp_path))
    assert "links back to a page already read" in reason
    assert len(lab.platform.asked) == 2


def test_one_odd_event_is_rejected_and_the_others_survive(lab: GitLab, tmp_path: Path) -> None:
    odd = [
        event(8, "commented on", author={"username": ["secret text"]}),
        {"id": 9},
        event(2**70, "pushed to", by="\u202eعلي"),
    ]
    lab.values["/projects/bo%2Ftool/events"][3:3] = odd
    pages = list(opened(lab, tmp_path).pages(DAY, DAY))
    acts = {act["activity_id"] for page in pages for act in page.acts.to_pylist()}
    faults = [fault["reason"] for page in pages for fault in page.faults.to_pylist()]
    assert {act[2] for act in EXPECTED} <= acts
    assert len(faults) == 3  # a number beyond 64 bits is no id: GitLab's fit
    assert "secret" not in str(faults)


# Who is asked, and with which token


def test_a_token_is_sent_in_a_header_and_shown_nowhere(
    lab: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "jobs")  # as the command line does
    monkeypatch.setenv("CLOUT_CONNECTION_GL", SECRET)
    _, reasons = pulled(opened(lab, tmp_path, projects=["bo/tool", "gone/gone"]))
    assert lab.platform.headers["private-token"] == SECRET
    texts = [caplog.text, *lab.platform.asked, *reasons]
    texts += [zstd.decompress(path.read_bytes()).decode() for path in recorded(tmp_path)]
    assert not [text for text in texts if SECRET in text]


def test_only_public_projects_count_although_the_token_shows_more(
    lab: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_GL", SECRET)
    lab.values["/projects/8"] = {"id": 8, "visibility": "private"}
    lab.values["/users/ana/events"] = [
        event(4, "commented on", **note(70)),
        event(80, "pushed to", project_id=8),
        event(81, "pushed to", project_id=9),  # answers 404
    ]
    found, _ = pulled(opened(lab, tmp_path / "user", users=["ana"]))
    assert found == {("reply", "ana", "note-70"), ("mention", "cleo", "7#12"), ("post", "cleo", "7#12")}
    lab.values["/projects/bo%2Ftool"] = {"id": 7, "visibility": "internal"}
    assert pulled(opened(lab, tmp_path)) == (set(), ["1 of 1 projects and users: not public", AWARDS])


@pytest.mark.parametrize("path", ["events", "issues/12"])
def test_a_refused_token_fails_at_once_and_names_the_connection(
    lab: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_GL", SECRET)
    whole = lab.answer
    lab.platform.answer = lambda asked: Reply({"message": SECRET}, 401) if path in asked else whole(asked)
    with pytest.raises(NotAllowedError, match=r"not allowed \(401\); check connection 'gl'$"):
        pulled(opened(lab, tmp_path))


def test_the_population_changed_between_nights(lab: GitLab, tmp_path: Path) -> None:
    pulled(opened(lab, tmp_path), DAY - timedelta(days=1))
    lab.values["/users/ana/events"] = []
    _, reasons = pulled(opened(lab, tmp_path, projects=["bo/TOOL"], users=["ana"]))
    assert reasons == ["the population changed since 2026-11-02: 1 new", AWARDS]


def test_places_say_what_to_ask(tmp_path: Path) -> None:
    places = ["https://gitlab.com/Bo/Tools/One", "gitlab.com/ana"]
    assert GitLabAsk.of_places(places) == {"site": "https://gitlab.com", "projects": ["Bo/Tools/One"], "users": ["ana"]}
    spec = parse_specs([f"gl:gitlab={places[0]}", f"gl:gitlab={places[1]}"])[0]
    assert spec.open(tmp_path).platforms == ("gitlab.com",)
    for place in ("https://gitlab.com/", "https://gitlab.com/a b", "https://gitlab.com/a/../b"):
        with pytest.raises(UsageError, match="is no name on GitLab"):
            GitLabAsk.of_places([place])
    for place in (f"https://u:{SECRET}@gitlab.com/a/b", "ftp://gitlab.com/a/b", "https://[/a/b", "https://a!b/c/d"):
        with pytest.raises(UsageError) as raised:
            GitLabAsk.of_places([place])
        assert SECRET not in str(raised.value)
    with pytest.raises(UsageError, match="one source asks one site"):
        GitLabAsk.of_places(["gitlab.com/a/b", "gitlab.example.org/a/b"])


@pytest.mark.parametrize(
    ("ask", "fault"),
    [
        ({}, "needs `projects` or `users`"),
        ({"projects": ["tool"]}, "'tool' is no name on GitLab"),
        ({"users": ["a"], "site": "gitlab.com"}, "site: expected an address"),
        ({"users": ["a"], "site": f"https://u:{SECRET}@gitlab.com"}, "site: expected an address"),
    ],
)
def test_a_wrong_ask_is_refused(ask: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        GitLabAsk.model_validate(ask, strict=True)
