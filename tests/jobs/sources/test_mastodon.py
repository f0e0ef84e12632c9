"""Mastodon through its real client, against a small instance on loopback, mastodon-mock, and recorded answers."""

import json
import logging
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from backports import zstd

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.sources import mastodon_entities, mastodon_people, mastodon_pull, recording
from jobs.sources.budget import Budget
from jobs.sources.http import NotAllowedError
from jobs.sources.mastodon import MastodonAsk, MastodonSource, parse
from jobs.sources.mastodon_entities import Wishes, act_id, kept_account, kept_status
from jobs.sources.page import Account, Act, Author, Ignored, Note, Unresolved
from jobs.sources.settings import Limits, Settings
from jobs.sources.spec import LiveOptions, SourceSpec, parse_specs
from jobs.sources.values import derived_id
from jobs.warehouse.runs import Batch
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.mastodon_instance import (
    AFTER,
    DAY,
    HOME,
    Instance,
    at,
    mention,
    micros,
    person,
    reblog,
    reply_to,
    status,
)
from tests.jobs.sources.platform_server import Platform, Reply

BEFORE = DAY - timedelta(days=1)
SECRET = "s3cr3t-token"
ANA, BO = person(1, "ana"), person(2, "bo")
CY, DI = person(3, "cy@far.example"), person(4, "di@far.example", discoverable=None)
END = micros(24)


@pytest.fixture
def instance(platform: Platform) -> Instance:
    """Ana and Bo are asked, Cy and Di act from afar. Posts of Ana have likes, a boost and replies; Bo boosts one of them."""
    post = status(10, ANA, at(1), favourites_count=3, reblogs_count=2, replies_count=2, mentions=[mention(CY)])
    answer = status(11, CY, at(2), **reply_to(post), mentions=[mention(ANA)])
    deeper = status(12, DI, at(3), **reply_to(answer), mentions=[mention(CY)])
    hidden = status(13, DI, at(3), **reply_to(post), visibility="private")
    return Instance(
        platform,
        people=[ANA, BO, CY, DI],
        statuses=[
            status(5, ANA, at(-30)),
            status(6, ANA, at(-3), visibility="unlisted"),
            post,
            status(14, ANA, at(4), visibility="direct", mentions=[mention(DI)]),
            status(15, ANA, at(5), **reply_to(answer), mentions=[mention(CY)]),
            status(16, BO, at(6), quote={"state": "accepted", "quoted_status": post}),
            reblog(17, BO, post, at(7)),
            status(18, ANA, at(25)),
        ],
        likes={"10": [CY, DI, BO]},
        boosts={"10": [CY, BO]},
        threads={"10": [answer, deeper, hidden]},
    )


def opened(
    instance: Instance, landing: Path, requests: int = 1_000, revisit_days: int = 1, **ask: Any
) -> MastodonSource:
    if not ask.keys() & {"accounts", "hashtags", "notifications"}:
        ask["accounts"] = ["ana", "bo"]
    return MastodonSource(
        Settings(
            id="masto",
            landing=landing,
            ask={"instance": instance.platform.url, **ask},
            limits=Limits(requests=requests),
            revisit_days=revisit_days,
            budget=lambda number, minutes: Budget(number, minutes, lambda: 0.0, lambda _: None),
        )
    )


def pulled(source: MastodonSource, day: date = DAY) -> tuple[list[dict[str, Any]], list[Note]]:
    """The acts of one day, and all notes."""
    pages = list(source.pages(day, day))
    rows = [act for page in pages for act in page.acts.to_pylist()]
    return [row for row in rows if micros(0, day) <= row["occurred_at"] < micros(24, day)], [
        note for page in pages for note in page.notes
    ]


def acts(source: MastodonSource, day: date = DAY) -> set[tuple[Any, ...]]:
    """The acts of one day, as (kind, actor, target, hour of the day)."""
    return {
        (
            row["kind"],
            _short(row["actor_id"]),
            _short(row["target_id"]),
            (row["occurred_at"] - micros(0, day)) // 3_600_000_000,
        )
        for row in pulled(source, day)[0]
    }


def _short(uri: str | None) -> str | None:
    return uri and uri.rpartition("/")[2]


WHOLE = {
    ("post", "ana", "ana", 1),
    ("mention", "ana", "cy", 1),
    ("reply", "cy", "ana", 2),
    ("mention", "cy", "ana", 2),
    ("reply", "di", "cy", 3),
    ("mention", "di", "cy", 3),
    ("reply", "ana", "cy", 5),
    ("mention", "ana", "cy", 5),
    ("post", "bo", "bo", 6),
    ("quote", "bo", "ana", 6),
    ("reshare", "bo", "ana", 7),
    ("like", "cy", "ana", 23),
    ("like", "di", "ana", 23),
    ("like", "bo", "ana", 23),
    ("reshare", "cy", "ana", 23),
}


# One entity


def recorded_line(entity: dict[str, Any], **added: Any) -> bytes:
    return orjson.dumps(kept_status(entity, "home.example", Wishes(False)) | added)


T = micros(1)
ANA_ACCOUNT = Account(ANA["uri"], T, "ana@home.example", "Ana", micros(0, date(2020, 1, 1)), 7, 3, False)
POST = status(10, ANA, at(1))
NAME = POST["uri"]


@pytest.mark.parametrize(
    ("changed", "added", "records"),
    [
        ({}, {}, [Act("post", ANA["uri"], ANA["uri"], T, NAME)]),
        (
            {"in_reply_to_id": "9", "in_reply_to_account_id": "3"},
            {"in_reply_to": {"author": CY["uri"], "status": "https://far.example/9"}},
            [Act("reply", ANA["uri"], CY["uri"], T, NAME, "https://far.example/9")],
        ),
        (
            {"in_reply_to_id": "9", "in_reply_to_account_id": "3"},
            {"in_reply_to": {"author": None}},
            [Unresolved("reply: does not say whom it was about", T), Act("post", ANA["uri"], ANA["uri"], T, NAME)],
        ),
        (
            {},
            {"mentions": [{"id": "3", "uri": CY["uri"]}, {"id": "9", "uri": None}]},
            [
                Act("mention", ANA["uri"], CY["uri"], T, NAME),
                Unresolved("mention: does not say whom it was about", T),
                Act("post", ANA["uri"], ANA["uri"], T, NAME),
            ],
        ),
        (
            {"quote": {"state": "accepted", "quoted_status": status(9, CY, at(0))}},
            {},
            [
                Act("quote", ANA["uri"], CY["uri"], T, NAME, f"{CY['uri']}/statuses/9"),
                Act("post", ANA["uri"], ANA["uri"], T, NAME),
            ],
        ),
        (
            {"quote": {"state": "pending", "quoted_status": status(9, CY, at(0))}},
            {},
            [Act("post", ANA["uri"], ANA["uri"], T, NAME)],
        ),
        (
            {"quote": {"state": "accepted", "quoted_status_id": "9"}},
            {},
            [Act("post", ANA["uri"], ANA["uri"], T, NAME)],
        ),
    ],
    ids=[
        "post",
        "reply",
        "reply to nobody known",
        "mentions",
        "quote",
        "quote without consent",
        "quote without status",
    ],
)
def test_what_a_status_becomes(changed, added, records):
    assert list(parse(recorded_line(POST | changed, **added))) == [ANA_ACCOUNT, Author(NAME, ANA["uri"]), *records]


def test_a_reblog_becomes_a_reshare_with_the_id_of_its_announce():
    line = recorded_line(reblog(17, BO, POST, at(1)))
    _, act = parse(line)
    assert act == Act("reshare", BO["uri"], ANA["uri"], T, f"{BO['uri']}/statuses/17/activity", NAME)


@pytest.mark.parametrize(
    ("kind", "records"),
    [
        ("favourite", [Act("like", CY["uri"], ANA["uri"], T, act_id("like", CY["uri"], NAME), NAME)]),
        ("reblog", [Act("reshare", CY["uri"], ANA["uri"], T, act_id("reshare", CY["uri"], NAME), NAME)]),
        ("follow", [Act("follow", CY["uri"], ANA["uri"], T, derived_id(CY["uri"], ANA["uri"], T))]),
        ("poll", [Ignored(T, unknown="poll")]),
    ],
)
def test_what_a_notification_becomes(kind, records):
    made = {"id": "1", "type": kind, "created_at": at(1), "account": CY, "status": POST}
    line = orjson.dumps(mastodon_entities.kept_notification(made, ANA["uri"], "home.example"))
    assert [record for record in parse(line) if not isinstance(record, Account)] == records


@pytest.mark.parametrize("audience", ["private", "direct", "limited", 7, None])
def test_what_is_not_public_scores_nothing(audience):
    made = {"type": "favourite", "created_at": at(1), "account": CY, "me": ANA["uri"], "status": POST}
    for entity in (POST, reblog(17, BO, POST, at(1)) | {"mentions": []}, made):
        hidden = json.loads(json.dumps(entity))
        for one in (hidden, hidden.get("reblog"), hidden.get("status")):
            if one and "visibility" in one:
                one["visibility"] = audience
        assert parse(orjson.dumps(hidden)) in ((Ignored(T),), [Ignored(T)])


def test_counts_of_followers_are_left_out_where_collections_are_hidden():
    shy = kept_account(ANA | {"hide_collections": True}, "home.example")
    assert not shy.keys() & {"followers_count", "following_count"}
    assert kept_account(ANA, "home.example")["followers_count"] == 7


@pytest.mark.parametrize(
    ("changed", "may_ask", "may_appear"),
    [
        ({}, True, True),
        ({"discoverable": None}, False, True),
        ({"discoverable": False}, False, False),
        ({"noindex": True}, False, False),
        ({"limited": True}, False, False),
        ({"suspended": True}, False, False),
    ],
)
def test_wishes(changed, may_ask, may_appear):
    wishes = Wishes(everybody=False)
    assert (wishes.may_ask(ANA | changed), wishes.may_appear(ANA | changed)) == (may_ask, may_appear)
    assert Wishes(everybody=True).may_ask(ANA | changed)


def test_hostile_lines_are_rejected_and_nothing_breaks(survives):
    listed = {"name": CY["uri"], "at": T, "kind": "like", "object": NAME, "author": ANA["uri"]}
    noted = mastodon_entities.kept_notification(
        {"type": "favourite", "created_at": at(1), "account": CY, "status": POST}, "m", "h"
    )
    quoting = POST | {"quote": {"state": "accepted", "quoted_status": POST}, "mentions": [mention(CY)]}
    lines = [
        recorded_line(quoting),
        recorded_line(reblog(1, BO, POST, at(1))),
        orjson.dumps(listed),
        orjson.dumps(noted),
    ]
    survives(parse, [*lines, orjson.dumps(POST)])


@pytest.mark.parametrize(
    "odd", [None, 7, [], {}, {"account": []}, {"mentions": [7], "account": 8}, {"reblog": 7}, {"quote": []}]
)
def test_an_odd_status_is_recorded_and_rejected(odd):
    kept = kept_status(odd, "home.example", Wishes(False))
    with pytest.raises(mastodon_pull.Rejected):
        parse(orjson.dumps(kept))


# A day


def test_a_day_is_whole(instance, tmp_path):
    source = opened(instance, tmp_path)
    assert acts(source) == WHOLE
    assert pulled(source)[1] == []


def test_the_recorded_ids_are_those_of_activitypub(instance, tmp_path):
    rows, _ = pulled(opened(instance, tmp_path))
    assert {row["activity_id"] for row in rows if row["kind"] == "post"} == {
        f"{HOME}/users/ana/statuses/10",
        f"{HOME}/users/bo/statuses/16",
    }
    (answered,) = (row for row in rows if row["kind"] == "reply" and row["actor_id"] == DI["uri"])
    assert answered["object_id"] == f"{CY['uri']}/statuses/11"


def test_no_text_and_nothing_private_is_recorded(instance, tmp_path):
    pulled(opened(instance, tmp_path))
    texts = [zstd.decompress(path.read_bytes()) for path in recorded(tmp_path)]
    assert not [text for text in texts if b"private words" in text or b"direct" in text or b'"private"' in text]


def test_the_same_day_again_asks_nothing_and_gives_the_same_rows(instance, tmp_path):
    rows = pulled(opened(instance, tmp_path))
    instance.platform.asked.clear()
    assert pulled(opened(instance, tmp_path)) == rows
    assert instance.platform.asked == []


def test_a_pull_that_is_killed_between_a_page_and_its_rename_asks_one_page_again(instance, tmp_path):
    whole = pulled(opened(instance, tmp_path / "whole"))
    requests = len(instance.platform.asked)
    renames = len(recorded(tmp_path / "whole")) + 1  # that of the population too
    assert renames > 8
    for number in range(renames):
        instance.platform.asked.clear()
        landing = tmp_path / str(number)
        with killed_at(number):
            pulled(opened(instance, landing))
        assert pulled(opened(instance, landing)) == whole
        assert (
            len(instance.platform.asked) <= requests + 3
        )  # the page, the lookup of its account and of those it mentions


@pytest.mark.parametrize("requests", range(1, 15))
def test_a_pull_out_of_budget_says_so_and_the_next_one_goes_on(instance, tmp_path, requests):
    whole = pulled(opened(instance, tmp_path / "whole"))[0]
    needed = len(instance.platform.asked)
    instance.platform.asked.clear()
    _, notes = pulled(opened(instance, tmp_path / "part", requests))
    if requests < needed - 2:  # the last two are about the instance
        (note,) = notes
        assert note.reason.startswith(f"the budget of {requests} requests is used up after ")
        assert note.reason.endswith(" of 2 accounts; the next pull resumes there")
        assert note.partial
        assert not note.lasting
    rows, notes = pulled(opened(instance, tmp_path / "part"))
    assert sorted(rows, key=str) == sorted(whole, key=str)
    assert notes == []


def test_no_page_is_read_beyond_the_one_that_reaches_back(instance, tmp_path):
    instance.statuses += [status(number, ANA, at(-100)) for number in range(1, 5)]
    pulled(opened(instance, tmp_path, accounts=["ana"]))
    assert instance.asked.count("/api/v1/accounts/1/statuses") == 3  # of five pages


def test_a_day_that_has_not_ended_is_asked_again(instance, tmp_path):
    instance.now = AFTER - timedelta(hours=12)
    early = acts(opened(instance, tmp_path))
    assert early
    assert not [act for act in early if act[0] == "like"]
    instance.now = AFTER
    assert acts(opened(instance, tmp_path)) == WHOLE


def test_a_past_day_has_statuses_but_no_likes(instance, tmp_path):
    instance.now = AFTER + timedelta(days=1)
    rows, notes = pulled(opened(instance, tmp_path))
    assert {row["kind"] for row in rows} == {"post", "reply", "mention", "quote", "reshare"}
    assert notes == [Note(f"1 of 2 accounts: {mastodon_pull.LATE}", True, DAY, lasting=True)]
    assert not [path for path in instance.asked if path.endswith("_by")]
    instance.platform.asked.clear()
    assert pulled(opened(instance, tmp_path)) == (rows, notes)
    assert instance.platform.asked == []


# Lists without times, night after night


def test_likes_are_dated_between_two_observations(instance, tmp_path):
    post = instance.statuses[2]
    acts(opened(instance, tmp_path))
    instance.now += timedelta(days=1)
    instance.platform.asked.clear()
    instance.likes["10"] = [person(8, "new@far.example"), DI]  # one came, two vanished
    instance.statuses[2] = post | {"favourites_count": 2}
    found = acts(opened(instance, tmp_path), DAY + timedelta(days=1))
    assert found == {("post", "ana", "ana", 1), ("like", "new", "ana", 23)}
    assert [path for path in instance.asked if path.startswith("/api/v1/statuses")] == [
        "/api/v1/statuses/10/favourited_by"
    ]


def test_the_first_observation_has_the_last_instant_of_the_day(instance, tmp_path):
    rows, _ = pulled(opened(instance, tmp_path))
    assert {row["occurred_at"] for row in rows if row["kind"] == "like"} == {END - 1}


def test_lists_that_are_as_last_recorded_are_not_asked(instance, tmp_path):
    acts(opened(instance, tmp_path))
    instance.now += timedelta(days=1)
    instance.platform.asked.clear()
    acts(opened(instance, tmp_path), DAY + timedelta(days=1))
    assert not [path for path in instance.asked if path.startswith("/api/v1/statuses")]


def test_posts_are_looked_up_again_for_the_days_that_the_entry_says(instance, tmp_path):
    instance.now += timedelta(days=2)
    acts(opened(instance, tmp_path / "1", revisit_days=1), DAY + timedelta(days=2))
    assert "/api/v1/statuses/10/favourited_by" not in instance.asked
    acts(opened(instance, tmp_path / "2", revisit_days=2), DAY + timedelta(days=2))
    assert "/api/v1/statuses/10/favourited_by" in instance.asked


def test_a_post_that_was_deleted_in_between_loses_only_its_lists(instance, tmp_path):
    instance.odd["/api/v1/statuses/10/.*"] = Reply({"error": "Record not found"}, 404)
    assert acts(opened(instance, tmp_path)) == {act for act in WHOLE if act[1] in ("ana", "bo") and act[0] != "like"}


# People's wishes


def test_who_did_not_opt_in_is_not_asked_about(instance, tmp_path):
    instance.people[1] = BO | {"discoverable": None}
    rows, notes = pulled(opened(instance, tmp_path))
    assert notes == [Note("1 of 2 accounts: did not opt in to discovery", True, DAY, lasting=True)]
    assert BO["uri"] not in {row["actor_id"] for row in rows if row["kind"] != "like"}
    assert "/api/v1/accounts/2/statuses" not in instance.asked
    assert acts(opened(instance, tmp_path / "all", only="all")) == WHOLE


def test_who_opted_out_appears_nowhere(instance, tmp_path):
    gone = CY | {"noindex": True}
    text = json.dumps([instance.people, instance.statuses, instance.likes, instance.boosts, instance.threads])
    people, statuses, likes, boosts, threads = json.loads(text.replace(json.dumps(CY), json.dumps(gone)))
    instance.people, instance.statuses, instance.likes, instance.boosts = people, statuses, likes, boosts
    instance.threads = threads
    pulled(opened(instance, tmp_path))
    assert not [path for path in recorded(tmp_path) if b"far.example/users/cy" in zstd.decompress(path.read_bytes())]
    found = acts(opened(instance, tmp_path))
    assert ("post", "ana", "ana", 5) in found  # it replied to nobody who may appear
    assert ("post", "di", "di", 3) in found


# Hashtags and notifications


def test_a_hashtag_brings_in_people_who_want_to_be_found(instance, tmp_path):
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
def test_a_timeline_that_is_closed_is_no_silence(instance, tmp_path, monkeypatch, feeds, token, closed):
    if token:
        monkeypatch.setenv("CLOUT_CONNECTION_MASTO", token)
    instance.feeds = feeds
    _, notes = pulled(opened(instance, tmp_path, hashtags=["a"]))
    expected = Note(f"1 of 1 hashtags: {mastodon_pull.LOGIN}", True, DAY, lasting=True)
    assert notes == ([expected] if closed else [])


def test_a_timeline_that_needs_a_login_is_a_note_without_a_token(instance, tmp_path, monkeypatch):
    instance.odd["/api/v1/timelines/tag/a"] = Reply({"error": "The access token is invalid"}, 401)
    _, notes = pulled(opened(instance, tmp_path, hashtags=["a"], accounts=["bo"]))
    assert [note.reason for note in notes] == [f"1 of 2 accounts and hashtags: {mastodon_pull.LOGIN}"]
    monkeypatch.setenv("CLOUT_CONNECTION_MASTO", SECRET)
    with pytest.raises(NotAllowedError, match="check connection 'masto'"):
        pulled(opened(instance, tmp_path / "token", hashtags=["a"]))


def notification(
    number: int, kind: str, by: dict[str, Any], hour: float, about: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {"id": str(number), "type": kind, "created_at": at(hour), "account": by, "status": about}


@pytest.fixture
def notified(instance, monkeypatch) -> Instance:
    monkeypatch.setenv("CLOUT_CONNECTION_MASTO", SECRET)
    post, secret = instance.statuses[2], status(40, ANA, at(2), visibility="private")
    instance.notifications = [
        notification(1, "favourite", CY, -1, post),
        notification(2, "favourite", CY, 8, post),
        notification(3, "reblog", CY, 9, post),
        notification(4, "follow", DI, 10),
        notification(5, "mention", DI, 11, status(41, DI, at(11), mentions=[mention(ANA)])),
        notification(6, "mention", DI, 12, status(42, DI, at(12), visibility="direct", mentions=[mention(ANA)])),
        notification(7, "favourite", DI, 13, secret),
        notification(8, "follow", person(9, "shy@far.example", noindex=True), 14),
        notification(9, "favourite", DI, 24.2, post),
    ]
    return instance


NOTIFIED = {
    ("like", "cy", "ana", 8),
    ("reshare", "cy", "ana", 9),
    ("follow", "di", "ana", 10),
    ("post", "di", "di", 11),
    ("mention", "di", "ana", 11),
}


def test_notifications_have_times(notified, tmp_path):
    source = opened(notified, tmp_path, notifications=True)
    assert acts(source) == NOTIFIED
    assert notified.platform.headers["authorization"] == f"Bearer {SECRET}"
    notified.platform.asked.clear()
    assert acts(opened(notified, tmp_path, notifications=True)) == NOTIFIED
    assert notified.platform.asked == []


def test_posts_whose_notifications_are_read_have_no_lists(notified, tmp_path):
    found = acts(opened(notified, tmp_path, notifications=True, accounts=["ana", "bo"]))
    assert {act for act in found if act[0] in ("like", "follow")} == {
        ("like", "cy", "ana", 8),
        ("follow", "di", "ana", 10),
    }
    assert {act for act in found if act[0] == "reshare"} == {("reshare", "cy", "ana", 9), ("reshare", "bo", "ana", 7)}


def test_notifications_need_a_token(instance, tmp_path):
    with pytest.raises(
        UsageError, match=r"connection 'masto' is missing: set CLOUT_CONNECTION_MASTO to an access token"
    ):
        pulled(opened(instance, tmp_path, notifications=True))


def test_a_refused_token_fails_at_once_and_is_shown_nowhere(instance, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("CLOUT_CONNECTION_MASTO", SECRET)
    instance.odd[".*"] = Reply({"error": f"The access token {SECRET} is invalid"}, 401)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(NotAllowedError, match="check connection 'masto'") as raised:
        pulled(opened(instance, tmp_path))
    assert len(instance.platform.asked) == 1
    instance.odd.clear()
    rows, notes = pulled(opened(instance, tmp_path))
    shown = [str(raised.value), caplog.text, str(rows), str(notes)]
    shown += [zstd.decompress(path.read_bytes()).decode() for path in recorded(tmp_path)]
    assert not [text for text in shown if SECRET in text]


# What instances do


def test_an_account_that_is_not_there_leaves_the_others(instance, tmp_path):
    _, notes = pulled(opened(instance, tmp_path, accounts=["ana", "nobody", "bo"]))
    assert notes == [Note("1 of 3 accounts: not there", True, DAY, lasting=True)]


def test_a_rate_limit_with_an_iso_reset_is_waited_for(instance, tmp_path):
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
def test_an_instance_that_fails_gives_a_note_and_the_next_pull_resumes(instance, tmp_path, reply):
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


def test_an_instance_that_is_down_leaves_the_day_absent(instance, tmp_path):
    instance.odd[".*"] = Reply(b"", 502)
    rows, (note,) = pulled(opened(instance, tmp_path))
    assert rows == []
    assert note.absent


@pytest.mark.parametrize("following", ["?max_id=0", "?max_id=2"])
def test_a_page_that_links_back_ends_the_unit(instance, tmp_path, following):
    link = f'<{instance.platform.url}/api/v1/statuses/10/favourited_by{following}>; rel="next"'
    instance.odd["/api/v1/statuses/10/favourited_by"] = Reply([CY], 200, {"Link": link})
    _, (note,) = pulled(opened(instance, tmp_path))
    assert "links back to a page already read" in note.reason


def test_one_odd_status_is_rejected_and_the_others_survive(instance, tmp_path):
    instance.statuses.append(status(19, ANA, at(8), uri={"no": "uri"}))
    instance.statuses.append(status(20, ANA, at(8), uri="http://a/\x00"))
    source = opened(instance, tmp_path)
    faults = [fault["reason"] for page in source.pages(DAY, DAY) for fault in page.faults.to_pylist()]
    assert sorted(faults) == ["status id holds control characters", "status id is neither a string nor a number"]
    assert acts(source) == WHOLE


def test_ids_are_opaque(instance, tmp_path):
    """Pleroma's are letters; names may run right to left."""
    odd = person(0, "שלום@far.example", id="9x4Zk/..%2F", uri="https://far.example/users/שלום")
    huge = status(0, ANA, at(9), id="9" * 30, favourites_count=1)
    instance.statuses.append(huge)
    instance.likes[huge["id"]] = [odd]
    instance.people.append(odd)
    assert acts(opened(instance, tmp_path)) - WHOLE == {("post", "ana", "ana", 9), ("like", "שלום", "ana", 23)}


def test_people_are_asked_for_one_by_one_where_an_instance_knows_no_batches(instance, tmp_path):
    instance.odd["/api/v1/accounts"] = Reply({"error": "?"}, 404)
    assert acts(opened(instance, tmp_path)) == WHOLE
    assert instance.asked.count("/api/v1/accounts") == 1
    assert "/api/v1/accounts/3" in instance.asked


def test_people_are_asked_for_in_batches_and_once(instance, tmp_path, monkeypatch):
    monkeypatch.setattr(mastodon_people, "BATCH", 3)
    crowd = [person(number, f"p{number}@far.example") for number in range(100, 107)]
    instance.people += crowd
    mentions = [mention(one) for one in crowd]
    instance.statuses += [status(50, BO, at(8), mentions=mentions), status(51, BO, at(9), mentions=mentions)]
    found = acts(opened(instance, tmp_path, accounts=["bo"]))
    assert {act[2] for act in found if act[0] == "mention"} == {one["username"] for one in crowd}
    assert instance.asked.count("/api/v1/accounts") == 3


@pytest.mark.parametrize(("token", "limit"), [(None, 3), (SECRET, 4)])
def test_a_thread_that_is_cut_off_is_a_note(instance, tmp_path, monkeypatch, token, limit):
    monkeypatch.setattr(mastodon_pull, "ANONYMOUS_THREAD", 3)
    monkeypatch.setattr(mastodon_pull, "THREAD", 4)
    if token:
        monkeypatch.setenv("CLOUT_CONNECTION_MASTO", token)
    for count in (limit - 1, limit):
        instance.threads["10"] = [status(60 + n, CY, at(9), **reply_to(instance.statuses[2])) for n in range(count)]
        _, notes = pulled(opened(instance, tmp_path / str(count)))
        reasons = [f"1 of 2 accounts: {mastodon_pull.MANY}"] if count == limit else []
        assert [note.reason for note in notes] == reasons


def test_replies_that_are_still_being_fetched_are_a_note(instance, tmp_path):
    thread = Reply({"descendants": instance.threads["10"]}, 200, {"Mastodon-Async-Refresh": 'id="a", retry=3'})
    instance.odd["/api/v1/statuses/10/context"] = thread
    source = opened(instance, tmp_path)
    _, notes = pulled(source)
    assert [note.reason for note in notes] == [f"1 of 2 accounts: {mastodon_pull.FETCHING}"]
    assert acts(source) == WHOLE


def test_what_the_instance_says_of_itself_is_recorded(instance, tmp_path):
    instance.odd["/api/v1/instance/terms_of_service"] = Reply(
        {"effective_date": "2026-01-01", "content": "private words"}
    )
    pulled(opened(instance, tmp_path))
    unit = recording.Recording(recording.day_folder(tmp_path, "masto", DAY), mastodon_pull.INSTANCE)
    assert unit.cursor.next["terms"] == "2026-01-01"
    assert unit.cursor.next["version"] == "4.6.4"


# The ask


def test_the_population_may_change_between_nights(instance, tmp_path):
    people = tmp_path / "people.txt"
    host = instance.platform.url.removeprefix("http://")
    people.write_text(f"ana\n@bo@{host}\t2026-11-03\n")
    for day in (BEFORE, DAY):
        _, notes = pulled(opened(instance, tmp_path, accounts=str(people)), day)
    assert [note.reason for note in notes] == ["the population changed since 2026-11-02: 1 new"]
    people.write_text("ana\n")
    assert acts(opened(instance, tmp_path, accounts=str(people))) == WHOLE  # the day keeps its population


@pytest.mark.parametrize("name", ["ana@far.example", "@ana@far.example", "@", "a/b", "a b"])
def test_accounts_of_other_instances_are_refused(instance, tmp_path, name):
    with pytest.raises(UsageError, match="ask each account at its home instance"):
        opened(instance, tmp_path, accounts=[name])


def test_places_are_accounts_and_hashtags_of_one_instance(tmp_path):
    (spec,) = parse_specs(["m:mastodon=@ana@a.example", "m:mastodon=#tag@a.example"])
    assert MastodonAsk.of_places(spec.places) == {
        "instance": "https://a.example",
        "accounts": ["ana"],
        "hashtags": ["tag"],
    }
    assert spec.open(tmp_path).platforms == ("fediverse",)
    for places in (["@ana@a.example", "@bo@b.example"], ["ana@a.example"], ["@ana"]):
        with pytest.raises(UsageError, match="expected @USER@HOST or #TAG@HOST, all of one host"):
            MastodonAsk.of_places(places)
    with pytest.raises(ValueError, match="name `accounts`, `hashtags` or `notifications`"):
        MastodonAsk(instance="https://a.example")


def test_a_pull_into_a_warehouse(instance, tmp_path, warehouse):
    ask = {"instance": instance.platform.url, "accounts": ["ana", "bo", "gone"]}
    spec = SourceSpec("masto", "mastodon", (), options=LiveOptions(ask=ask))
    (found,) = pull_activity.run(
        warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test")
    )
    assert (found.act_count, found.rejected_count, found.unresolved_count) == (len(WHOLE), 0, 0)
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert {name: coverage[name] for name in ("platform", "status", "lasting", "scope", "reason")} == {
        "platform": "fediverse",
        "status": "partial",
        "lasting": True,
        "scope": "population",
        "reason": "1 of 3 accounts: not there",
    }
    rows = warehouse.read(ACTIVITY, {"day": DAY}).to_pylist()
    assert Counter(row["kind"] for row in rows) == Counter(act[0] for act in WHOLE)
