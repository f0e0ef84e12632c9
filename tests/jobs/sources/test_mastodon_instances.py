"""What instances of Mastodon do: hashtags, notifications, failures and limits."""

import logging
from pathlib import Path

import pytest
from backports import zstd

from jobs.sources import mastodon_people, mastodon_pull
from jobs.sources.live import recording
from jobs.sources.live.http import TRIES, NotAllowedError
from jobs.sources.page import Note
from tests.jobs.sources.killed import recorded
from tests.jobs.sources.mastodon_instance import (
    ANA,
    BO,
    CY,
    DAY,
    DI,
    SECRET,
    WHOLE,
    Instance,
    acts,
    at,
    mention,
    opened,
    person,
    pulled,
    reply_to,
    status,
)
from tests.jobs.sources.platform_server import Reply

# Hashtags and notifications


def test_a_hashtag_brings_in_people_who_want_to_be_found(instance: Instance, tmp_path: Path) -> None:
    shy, seen = status(30, DI, at(9)), status(31, CY, at(10))
    tagged = [status(28, CY, at(-1)), status(29, CY, at(-2)), shy, seen, status(32, CY, at(26))]
    instance.tags = {"caf%C3%A9": tagged}
    assert acts(opened(instance, tmp_path, hashtags=["#café"])) == {("post", "cy", "cy", 10)}


@pytest.mark.parametrize(
    ("feeds", "token", "closed"),
    [
        ({"local": "public", "remote": "public"}, None, False),
        ({"local": "public", "remote": "authenticated"}, None, True),
        ({"local": "public", "remote": "authenticated"}, SECRET, False),
        ({"local": "disabled", "remote": "disabled"}, SECRET, True),
        ({}, None, False),  # before 4.5
    ],
)
def test_a_timeline_that_is_closed_is_no_silence(
    instance: Instance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    feeds: dict[str, str],
    token: str | None,
    closed: bool,
) -> None:
    if token:
        monkeypatch.setenv("CLOUT_CONNECTION_MASTO", token)
    instance.feeds = feeds
    _, notes = pulled(opened(instance, tmp_path, hashtags=["a"]))
    expected = Note(f"1 of 1 hashtags: {mastodon_pull.LOGIN}", True, DAY, lasting=True)
    assert notes == ([expected] if closed else [])


def test_a_timeline_that_needs_a_login_is_a_note_without_a_token(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.odd["/api/v1/timelines/tag/a"] = Reply({"error": "The access token is invalid"}, 401)
    _, notes = pulled(opened(instance, tmp_path, hashtags=["a"], accounts=["bo"]))
    assert [note.reason for note in notes] == [f"1 of 2 accounts and hashtags: {mastodon_pull.LOGIN}"]
    monkeypatch.setenv("CLOUT_CONNECTION_MASTO", SECRET)
    with pytest.raises(NotAllowedError, match="check connection 'masto'"):
        pulled(opened(instance, tmp_path / "token", hashtags=["a"]))


def test_a_refused_token_fails_at_once_and_is_shown_nowhere(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_MASTO", SECRET)
    instance.odd[".*"] = Reply({"error": f"The access token {SECRET} is invalid"}, 401)
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "jobs")  # as the command line does
    with pytest.raises(NotAllowedError, match="check connection 'masto'") as raised:
        pulled(opened(instance, tmp_path))
    assert len(instance.platform.asked) == 1
    instance.odd.clear()
    rows, notes = pulled(opened(instance, tmp_path))
    shown = [str(raised.value), caplog.text, str(rows), str(notes)]
    shown += [zstd.decompress(path.read_bytes()).decode() for path in recorded(tmp_path)]
    assert not [text for text in shown if SECRET in text]


# What instances do


def test_an_account_that_is_not_there_leaves_the_others(instance: Instance, tmp_path: Path) -> None:
    _, notes = pulled(opened(instance, tmp_path, accounts=["ana", "nobody", "bo"]))
    assert notes == [Note("1 of 3 accounts: not there", True, DAY, lasting=True)]


def test_a_rate_limit_with_an_iso_reset_is_waited_for(instance: Instance, tmp_path: Path) -> None:
    waits: list[float] = []
    whole, left = instance.answer, [Reply({"error": "Throttled"}, 429)] * 2
    reset = {
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "2026-11-04T00:32:00.000000Z",
        "Date": "Wed, 04 Nov 2026 00:30:00 GMT",
    }
    instance.platform.answer = lambda path: left.pop()._replace(headers=reset) if left else whole(path)
    source = opened(instance, tmp_path)
    source.budget.sleep = waits.append
    assert acts(source) == WHOLE
    assert waits == [121, 121]


@pytest.mark.parametrize(
    "reply",
    [Reply(b"<html>down</html>"), Reply(b""), Reply(b'[{"id": "1"'), Reply(b"", 503), Reply({"error": "?"})],
    ids=["HTML", "empty", "truncated", "503", "no list"],
)
def test_an_instance_that_fails_gives_a_note_and_the_next_pull_resumes(
    instance: Instance, tmp_path: Path, reply: Reply
) -> None:
    instance.odd["/api/v1/accounts/2/statuses"] = reply
    rows, (note,) = pulled(opened(instance, tmp_path))
    assert rows
    assert note.reason.startswith("1 of 2 accounts failed, most with: ")
    assert note.partial
    assert not note.absent
    instance.odd.clear()
    instance.platform.asked.clear()
    assert acts(opened(instance, tmp_path)) == WHOLE
    assert "/api/v1/accounts/1/statuses" not in instance.asked


def test_an_instance_that_is_down_leaves_the_day_absent(instance: Instance, tmp_path: Path) -> None:
    instance.odd[".*"] = Reply(b"", 502)
    rows, (note,) = pulled(opened(instance, tmp_path))
    assert rows == []
    assert note.absent
    assert len(instance.asked) == 2 * TRIES


@pytest.mark.parametrize("following", ["?max_id=0", "?max_id=2"])
def test_a_page_that_links_back_ends_the_unit(instance: Instance, tmp_path: Path, following: str) -> None:
    link = f'<{instance.platform.url}/api/v1/statuses/10/favourited_by{following}>; rel="next"'
    instance.odd["/api/v1/statuses/10/favourited_by"] = Reply([CY], 200, {"Link": link})
    _, (note,) = pulled(opened(instance, tmp_path))
    assert "links back to a page already read" in note.reason


def test_a_list_that_never_ends_ends_with_the_budget(instance: Instance, tmp_path: Path) -> None:
    whole, pages = instance.answer, iter(range(10**6))

    def answer(path: str) -> Reply:
        link = {"Link": f'<{instance.platform.url}/api/v1/accounts/1/statuses?max_id={next(pages)}>; rel="next"'}
        return (
            Reply([instance.statuses[2]], 200, link) if path.startswith("/api/v1/accounts/1/statuses") else whole(path)
        )

    instance.platform.answer = answer
    _, (note,) = pulled(opened(instance, tmp_path, requests=50))
    assert note.reason == "the budget of 50 requests is used up after 0 of 2 accounts; the next pull resumes there"


def test_one_odd_status_is_rejected_and_the_others_survive(instance: Instance, tmp_path: Path) -> None:
    instance.statuses.append(status(19, ANA, at(8), uri={"no": "uri"}))
    instance.statuses.append(status(20, ANA, at(8), uri="http://a/\x00"))
    source = opened(instance, tmp_path)
    faults = [fault["reason"] for page in source.pages(DAY, DAY) for fault in page.faults.to_pylist()]
    assert sorted(faults) == ["status id holds control characters", "status id is neither a string nor a number"]
    assert acts(source) == WHOLE


def test_ids_are_opaque(instance: Instance, tmp_path: Path) -> None:
    """Pleroma's are letters; names may run right to left."""
    odd = person(0, "שלום@far.example", id="9x4Zk/..%2F", uri="https://far.example/users/שלום")
    huge = status(0, ANA, at(9), id="9" * 30, favourites_count=1)
    instance.statuses.append(huge)
    instance.likes[huge["id"]] = [odd]
    instance.people.append(odd)
    assert acts(opened(instance, tmp_path)) - WHOLE == {("post", "ana", "ana", 9), ("like", "שלום", "ana", 23)}


def test_people_are_asked_for_one_by_one_where_an_instance_knows_no_batches(instance: Instance, tmp_path: Path) -> None:
    instance.odd["/api/v1/accounts"] = Reply({"error": "?"}, 404)
    assert acts(opened(instance, tmp_path)) == WHOLE
    assert instance.asked.count("/api/v1/accounts") == 1
    assert "/api/v1/accounts/3" in instance.asked


def test_people_are_asked_for_in_batches_and_once(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mastodon_people, "BATCH", 3)
    crowd = [person(number, f"p{number}@far.example") for number in range(100, 107)]
    instance.people += crowd
    mentions = [mention(one) for one in (*crowd, person(200, "gone@far.example"))]
    instance.statuses += [status(number, BO, at(8), mentions=mentions) for number in range(50, 55)]
    found = acts(opened(instance, tmp_path, accounts=["bo"]))
    assert {act[2] for act in found if act[0] == "mention"} == {one["username"] for one in crowd}
    assert instance.asked.count("/api/v1/accounts") == 3  # the one who is not there is in the last of them


@pytest.mark.parametrize(("token", "limit"), [(None, 3), (SECRET, 4)])
def test_a_thread_that_is_cut_off_is_a_note(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, limit: int
) -> None:
    monkeypatch.setattr(mastodon_pull, "ANONYMOUS_THREAD", 3)
    monkeypatch.setattr(mastodon_pull, "THREAD", 4)
    if token:
        monkeypatch.setenv("CLOUT_CONNECTION_MASTO", token)
    for count in (limit - 1, limit):
        instance.threads["10"] = [status(60 + n, CY, at(9), **reply_to(instance.statuses[2])) for n in range(count)]
        _, notes = pulled(opened(instance, tmp_path / str(count)))
        reasons = [f"1 of 2 accounts: {mastodon_pull.MANY}"] if count == limit else []
        assert [note.reason for note in notes] == reasons


def test_replies_that_are_still_being_fetched_are_a_note(instance: Instance, tmp_path: Path) -> None:
    thread = Reply({"descendants": instance.threads["10"]}, 200, {"Mastodon-Async-Refresh": 'id="a", retry=3'})
    instance.odd["/api/v1/statuses/10/context"] = thread
    source = opened(instance, tmp_path)
    _, notes = pulled(source)
    assert [note.reason for note in notes] == [f"1 of 2 accounts: {mastodon_pull.FETCHING}"]
    assert acts(source) == WHOLE


def test_what_the_instance_says_of_itself_is_recorded(instance: Instance, tmp_path: Path) -> None:
    instance.odd["/api/v1/instance/terms_of_service"] = Reply(
        {"effective_date": "2026-01-01", "content": "private words"}
    )
    pulled(opened(instance, tmp_path))
    unit = recording.Recording(recording.day_folder(tmp_path, "masto", DAY), mastodon_pull.INSTANCE)
    assert unit.cursor.next["terms"] == "2026-01-01"
    assert unit.cursor.next["version"] == "4.6.4"
