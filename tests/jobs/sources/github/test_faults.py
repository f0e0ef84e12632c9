"""What GitHub does wrong, who is asked, and with which token."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from jobs.errors import UsageError
from jobs.sources import github, github_unit
from jobs.sources.github import GitHubAsk, GitHubSource
from jobs.sources.live.budget import Budget
from jobs.sources.live.http import NotAllowedError
from jobs.sources.live.settings import Settings
from jobs.sources.page import Note
from jobs.sources.spec import parse_specs
from tests.jobs.sources.github.made import (
    BY_EVENTS,
    BY_LISTS,
    DAY,
    NEXT_NOON,
    NOON,
    SECRET,
    GitHub,
    code_comment,
    comment,
    event,
    opened,
    pulled,
)
from tests.jobs.sources.killed import recorded
from tests.jobs.sources.platform_server import Reply

# Faults of the platform


def test_a_unit_that_is_gone_or_private_does_not_stop_the_others(hub: GitHub, tmp_path: Path) -> None:
    found, (note,) = pulled(opened(hub, tmp_path, repositories=["gone/gone", "bo/tool"], users=["nobody"]))
    assert found == BY_EVENTS
    assert note.reason == "2 of 3 repositories and accounts: not there"
    assert note.lasting


@pytest.mark.parametrize(("status", "reason"), [(403, "access is denied"), (451, "withheld for legal reasons")])
def test_a_repository_that_is_blocked_does_not_stop_the_others(
    hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, reason: str
) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_GH", SECRET)
    whole = hub.answer
    blocked = Reply({"message": "Repository access blocked", "block": {"reason": "dmca"}}, status)
    hub.platform.answer = lambda path: blocked if path.startswith("/repos/bad/one") else whole(path)
    found, (note,) = pulled(opened(hub, tmp_path, repositories=["bad/one", "bo/tool"]))
    assert found == BY_EVENTS
    assert note == Note(f"1 of 2 repositories and accounts: {reason}", True, DAY, lasting=True)
    asked = len(hub.platform.asked)
    assert pulled(opened(hub, tmp_path, repositories=["bad/one", "bo/tool"])) == (found, [note])
    assert len(hub.platform.asked) == asked


def test_a_renamed_repository_answers_under_its_new_name(hub: GitHub, tmp_path: Path) -> None:
    whole = hub.answer

    def answer(path: str) -> Reply:
        if path.startswith("/repos/old/name/events"):
            return Reply(
                {"message": "Moved Permanently"},
                301,
                {"Location": f"{hub.platform.url}/repositories/7/events?per_page=100"},
            )
        return whole(path.replace("/repositories/7/", "/repos/bo/tool/"))

    hub.platform.answer = answer
    assert pulled(opened(hub, tmp_path, repositories=["old/name"])) == (BY_EVENTS, [])


def test_a_repository_without_issues_still_has_comments_on_code(long_ago: GitHub, tmp_path: Path) -> None:
    whole = long_ago.answer
    long_ago.platform.answer = lambda path: Reply({}, 410) if "/issues" in path else whole(path)
    found, (note,) = pulled(opened(long_ago, tmp_path))
    assert found == {("reply", "dan", "discussion_r80")} | BY_EVENTS  # of 45 days ago GitHub may still list events
    assert "not there" not in note.reason


@pytest.mark.parametrize(
    "limit",
    [
        Reply({"message": "API rate limit exceeded"}, 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}),
        Reply({"message": "You have exceeded a secondary rate limit"}, 403, {"retry-after": "60"}),
        Reply({"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}, 403),
        Reply({}, 429, {"retry-after": "1"}),
    ],
)
def test_a_limit_is_waited_for(hub: GitHub, tmp_path: Path, limit: Reply) -> None:
    whole, replies = hub.answer, [limit]
    hub.platform.answer = lambda path: replies.pop() if replies else whole(path)
    waits: list[float] = []
    settings = Settings(
        id="gh", landing=tmp_path, ask={"api": hub.platform.url, "repositories": ["bo/tool"]},
        budget=lambda number, minutes: Budget(number, minutes, sleep=waits.append),
    )  # fmt: skip
    assert pulled(GitHubSource(settings)) == (BY_EVENTS, [])
    assert len(waits) == 1
    assert waits[0] >= 2


def test_the_limit_without_a_token_ends_the_pull_until_the_next_one(hub: GitHub, tmp_path: Path) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3500"}
    whole = hub.answer
    hub.platform.answer = lambda path: Reply({}, 403, headers) if "page=2" in path else whole(path)
    _, (note,) = pulled(opened(hub, tmp_path))
    assert note.reason.startswith("the platform asks to wait 3,501 s after 0 of 1 repositories and accounts")
    hub.platform.answer = whole
    assert pulled(opened(hub, tmp_path)) == (BY_EVENTS, [])


@pytest.mark.parametrize(
    "body",
    [b"<html>secret text</html>", b"", b'[{"id": "1", ', b'{"message": "secret text"}'],
    ids=["HTML", "empty", "cut", "object"],
)
def test_an_answer_that_is_no_list_fails_the_unit_only(hub: GitHub, tmp_path: Path, body: bytes) -> None:
    whole = hub.answer
    hub.platform.answer = lambda path: Reply(body) if "/repos/odd/" in path else whole(path)
    found, (note,) = pulled(opened(hub, tmp_path, repositories=["odd/odd", "bo/tool"]))
    assert found == BY_EVENTS
    assert note.reason.startswith("1 of 2 repositories and accounts failed, most with: ")
    assert "secret" not in note.reason
    assert (note.partial, note.lasting) == (True, False)


@pytest.mark.parametrize("step", [0, 1], ids=["to the same page", "to ever new pages"])
def test_an_endless_next_ends(hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=2_000))
    pages = iter(range(10**6))
    link = lambda: f'<{hub.platform.url}/again?n={next(pages) * step}>; rel="next"'  # noqa: E731
    hub.platform.answer = lambda _: Reply([code_comment(1)], 200, {"Link": link()})
    _, (note,) = pulled(opened(hub, tmp_path, requests=40))
    assert note.partial
    assert ("links back" in note.reason) is (step == 0)
    assert len(hub.platform.asked) == (2 if step == 0 else 40)


def test_events_stop_after_300_whatever_the_link_says(hub: GitHub, tmp_path: Path) -> None:
    def answer(_: str) -> Reply:
        following = f'<{hub.platform.url}/users/ana/events/public?n={len(hub.platform.asked)}>; rel="next"'
        return Reply([event("1")], 200, {"Link": following})

    hub.platform.answer = answer
    pulled(opened(hub, tmp_path, users=["ana"]))
    assert len(hub.platform.asked) == github_unit.EVENT_PAGES


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"id": "1"}, "time is not an RFC 3339 time"),
        ("secret text", "line is not a JSON object"),
        (event("1") | {"actor": {"login": ["secret text"]}}, "actor id is neither a string nor a number"),
        (event("1", kind="Unheard"), "event is of an unknown type"),
    ],
)
def test_one_odd_event_is_rejected_and_the_others_survive(
    hub: GitHub, tmp_path: Path, odd: dict[str, Any] | str, reason: str
) -> None:
    hub.lists["/repos/bo/tool/events"].insert(1, odd)
    pages = list(opened(hub, tmp_path).pages(DAY, DAY))
    acts = {act["activity_id"] for page in pages for act in page.acts.to_pylist()}
    faults = [fault["reason"] for page in pages for fault in page.faults.to_pylist()]
    assert acts >= {"8", "issuecomment-70", "bo/tool#12"}
    assert len(faults) == 1
    assert "secret" not in str([page.faults.to_pylist() for page in pages])


def test_one_odd_item_of_a_list_is_rejected_and_the_others_survive(long_ago: GitHub, tmp_path: Path) -> None:
    long_ago.lists["/repos/bo/tool/issues/comments"][1:1] = [
        comment(73) | {"created_at": ["secret text"], "updated_at": NOON}
    ]
    pages = list(opened(long_ago, tmp_path).pages(DAY, DAY))
    assert {act[2] for act in BY_LISTS} <= {act["activity_id"] for page in pages for act in page.acts.to_pylist()}
    assert [fault["reason"] for page in pages for fault in page.faults.to_pylist()] == ["time is not a text"]


def test_ids_beyond_64_bits_and_right_to_left_names(hub: GitHub, tmp_path: Path) -> None:
    large = str(2**70)
    hub.lists["/repos/bo/tool/events"].insert(1, event(large, actor="\u202eعلي"))
    found, _ = pulled(opened(hub, tmp_path))
    assert ("like", "\u202eعلي", large) in found


# Who is asked, and with which token


def test_a_token_is_sent_in_a_header_and_shown_nowhere(
    hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "jobs")  # as the command line does
    monkeypatch.setenv("CLOUT_CONNECTION_GH", SECRET)
    _, notes = pulled(opened(hub, tmp_path, repositories=["bo/tool", "gone/gone"]))
    assert hub.platform.headers["authorization"] == f"Bearer {SECRET}"
    texts = [caplog.text, *hub.platform.asked, *(note.reason for note in notes)]
    texts += [zstd.decompress(path.read_bytes()).decode() for path in recorded(tmp_path)]
    assert not [text for text in texts if SECRET in text]


@pytest.mark.parametrize("is_private", [True, False])
def test_a_private_repository_is_left_out_although_the_token_shows_it(
    long_ago: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_private: bool
) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_GH", SECRET)
    whole = long_ago.answer
    long_ago.platform.answer = lambda path: Reply({"private": is_private}) if path == "/repos/bo/tool" else whole(path)
    for event_ in long_ago.lists["/repos/bo/tool/events"]:
        event_["public"] = not is_private
    found, (note,) = pulled(opened(long_ago, tmp_path))
    assert found == (set() if is_private else BY_EVENTS | BY_LISTS)
    assert ("private" in note.reason) is is_private


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_fails_at_once_and_names_the_connection(
    hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_GH", SECRET)
    hub.platform.answer = lambda _: Reply({"message": f"Bad credentials {SECRET}"}, status)
    with pytest.raises(NotAllowedError, match=rf"not allowed \({status}\); check connection 'gh'$") as raised:
        pulled(opened(hub, tmp_path))
    assert SECRET not in str(raised.value)
    assert len(hub.platform.asked) == 1


def test_without_a_token_nothing_is_sent_and_the_log_says_the_limit(
    hub: GitHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "jobs")
    pulled(opened(hub, tmp_path))
    assert "authorization" not in hub.platform.headers
    assert "GitHub allows 60 requests an hour, with a token 5,000" in caplog.text


def test_the_population_changed_between_nights(hub: GitHub, tmp_path: Path) -> None:
    hub.lists["/repos/bo/other/events"] = []
    pulled(opened(hub, tmp_path), DAY - timedelta(days=1))
    _, notes = pulled(opened(hub, tmp_path, repositories=["BO/tool", "Bo/Other"]))
    assert [note.reason for note in notes] == ["the population changed since 2026-11-02: 1 new"]


def test_members_come_from_files_too(hub: GitHub, tmp_path: Path) -> None:
    (tmp_path / "repositories.txt").write_text("# ours\nBo/Tool\t2026-11-01\nBo/Later\t2026-12-01\nbo/TOOL\n")
    asked = {"repositories": "repositories.txt", "api": hub.platform.url}
    source = GitHubSource(Settings(id="gh", landing=tmp_path / "landing", ask=asked, folder=tmp_path))
    assert pulled(source) == (BY_EVENTS, [])
    (tmp_path / "repositories.txt").write_text("Bo\n")
    with pytest.raises(UsageError, match="'Bo' is no name on GitHub; expected OWNER/REPO"):
        pulled(source, DAY + timedelta(days=1))


def test_places_say_what_to_ask(tmp_path: Path) -> None:
    (spec,) = parse_specs(["gh:github=Bo/Tool", "gh:github=orgs/Acme"])
    source = spec.open(tmp_path)
    assert isinstance(source, GitHubSource)
    assert source.ask == GitHubAsk(repositories=["Bo/Tool"], organizations=["Acme"])
    assert GitHubAsk.of_places(["Bo/Tool.js", "ana", "orgs/Acme", "ci[bot]"]) == {
        "repositories": ["Bo/Tool.js"], "users": ["ana", "ci[bot]"], "organizations": ["Acme"],
    }  # fmt: skip
    for place in ("https://github.com/bo/tool", "bo/", "bo/..", "orgs/", "a b", "bo/tool/issues", "../x", "bo?x=1"):
        with pytest.raises(UsageError, match="is no name on GitHub"):
            GitHubAsk.of_places([place])


@pytest.mark.parametrize(
    ("ask", "fault"),
    [
        ({}, "needs `repositories`, `users` or `organizations`"),
        ({"repositories": ["bo"]}, "'bo' is no name on GitHub"),
        ({"users": ["bo/tool"]}, "'bo/tool' is no name on GitHub"),
        ({"everyone": True}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_ask_is_refused(ask: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        GitHubAsk.model_validate(ask, strict=True)
