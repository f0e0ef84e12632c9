"""Errors that platforms describe in their bodies, whatever the status, through each real client.

They are the same failures as those of a status: 429 and 503 are waited for, a used-up quota ends the pull until the next one,
401 ends it at once and names the connection, and 404 is about one unit.
"""

from typing import Any

import pytest

from jobs.sources.live.http import NotAllowedError
from jobs.sources.live.roster import MOST_FAILURES
from tests.jobs.sources.live.worlds import WORLDS, Live
from tests.jobs.sources.platform_server import Reply

HOUR = {"Retry-After": "3600"}
SECONDS = {"Retry-After": "7"}
TEXT = "what the platform says, with a s3cr3t"
PROBLEM = "https://api.twitter.com/2/problems/"


def wiki(code: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply({"error": {"code": code, "info": TEXT}}, 200, headers)


def stack(number: int, status: int = 400, message: str = TEXT, **more: Any) -> Reply:
    return Reply({"error_id": number, "error_name": "x", "error_message": message} | more, status)


def forum(kind: str, status: int, **extras: Any) -> Reply:
    return Reply({"errors": [TEXT], "error_type": kind, "extras": extras}, status)


def tube(reason: str, status: int = 403) -> Reply:
    return Reply({"error": {"code": status, "errors": [{"reason": reason, "message": TEXT}]}}, status)


def graph(code: int, status: int = 400, **more: Any) -> Reply:
    return Reply({"error": {"code": code, "message": TEXT} | more}, status)


def x(kind: str, status: int) -> Reply:
    return Reply({"title": TEXT, "type": PROBLEM + kind, "status": status}, status)


def said(text: str, status: int) -> Reply:
    return Reply({"error": text}, status)


WAITED_FOR = {
    "mediawiki": [wiki("maxlag", SECONDS), wiki("ratelimited", SECONDS), wiki("readonly"), wiki("internal_api_error_X")],
    "stackexchange": [
        stack(502, message="more requests available in 7 seconds"),
        stack(502, backoff=7),
        stack(503),
        stack(500, 500),
    ],
    "discourse": [forum("rate_limit", 429, wait_seconds=7), forum("rate_limit", 200, wait_seconds=7), forum("read_only", 503)],
    "youtube": [tube("rateLimitExceeded"), tube("userRateLimitExceeded", 429), tube("backendError", 200)],
    "facebook": [graph(2, 500), graph(1, 200), graph(99, is_transient=True)],
    "mastodon": [said("Too many requests", 200), said("Throttled", 422), said("There was a temporary problem", 200)],
    "github": [Reply({"message": "You have exceeded a secondary rate limit"}, 403)],
    "gitlab": [Reply(b"Retry later\n", 429, SECONDS), Reply({"message": "503 Service Unavailable"}, 503)],
    "hackernews": [said("overloaded", 503)],
    "reddit-live": [said("overloaded", 503), Reply({"error": 429, "message": TEXT}, 429, SECONDS)],
    "x": [Reply({"title": TEXT, "type": "about:blank", "status": 503}, 503)],
}  # fmt: skip
ENDS = {
    "mediawiki": [wiki("maxlag", HOUR)],
    "stackexchange": [stack(502, message="more requests available in 3600 seconds")],
    "discourse": [forum("rate_limit", 429, wait_seconds=3600)],
    "youtube": [tube("quotaExceeded"), tube("dailyLimitExceeded")],
    "facebook": [graph(4), graph(17), graph(32, 200), graph(613), graph(341), graph(80001, 429)],
    "x": [Reply({"title": "CreditsDepleted"}, 402), x("usage-capped", 429), x("usage-capped", 403)],
    "reddit-live": [Reply({"error": 429, "message": TEXT})],
}
REFUSED = {
    "mediawiki": [wiki("readapidenied"), wiki("badtoken"), wiki("assertuserfailed"), wiki("blocked")],
    "stackexchange": [stack(401), stack(402), stack(403), stack(405), stack(406)],
    "discourse": [forum("not_logged_in", 403), forum("not_logged_in", 200), forum("invalid_access", 403)],
    "youtube": [tube("accessNotConfigured"), tube("keyInvalid", 400), tube("ipRefererBlocked")],
    "facebook": [graph(190), graph(190, 200), graph(10, 403), graph(200, 403), graph(102)],
    "mastodon": [
        said("The access token is invalid", 200),
        said("This method requires an authenticated user", 422),
        said("This action is outside the authorized scopes", 403),
    ],
    "github": [Reply({"message": "Bad credentials"}, 403), Reply({"message": "Resource not accessible by token"}, 403)],
    "gitlab": [said("insufficient_scope", 403), said("invalid_token", 401)],
    "hackernews": [said("Permission denied", 401)],
    "reddit-live": [Reply({"error": 401, "message": TEXT}), Reply({"error": 403, "message": TEXT})],
    "x": [x("client-forbidden", 403), x("unsupported-authentication", 403), x("about:blank", 401)],
    "webmentions": [said("forbidden", 403)],
}
GONE = {
    "mediawiki": [wiki("badvalue")],
    "mastodon": [said("Record not found", 200)],
    "x": [
        Reply({"errors": [{"title": TEXT, "type": f"{PROBLEM}resource-not-found"}]}),
        Reply({"errors": [{"title": TEXT, "type": f"{PROBLEM}not-authorized-for-resource"}]}),
    ],
    "youtube": [tube("channelNotFound", 404)],
    "facebook": [graph(100, error_subcode=33)],
    "reddit-live": [Reply({"error": 404, "message": TEXT})],
    "discourse": [forum("not_found", 200)],
}  # fmt: skip


def each(replies: dict[str, list[Reply]]) -> pytest.MarkDecorator:
    cases = [(world, reply) for world in WORLDS for reply in replies.get(world.type, ())]
    ids = [f"{world.type}-{number}" for number, (world, _) in enumerate(cases)]
    return pytest.mark.parametrize(("live", "reply"), cases, indirect=["live"], ids=ids)


@each(WAITED_FOR)
def test_what_passes_is_waited_for(live: Live, reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    expected, whole = live.pulled("whole"), live.platform.answer
    replies = [reply]
    live.answers(lambda path: replies.pop() if replies else whole(path))
    assert live.pulled() == expected
    assert len(live.clock.waits) == 1
    if "7" in str(reply):
        assert live.clock.waits == [8]
    assert "s3cr3t" not in caplog.text


@each(ENDS)
def test_a_used_up_quota_ends_the_pull_and_the_next_one_resumes(live: Live, reply: Reply) -> None:
    expected, whole = live.pulled("whole"), live.platform.answer
    live.platform.asked.clear()
    live.answers(lambda _: reply)
    notes = live.pulled().notes
    assert "the next pull resumes" in notes[0].reason
    assert (notes[0].partial, notes[0].lasting) == (True, False)
    assert "s3cr3t" not in str(notes)
    assert len([path for path in live.platform.asked if not path.startswith(live.world.aside or "-")]) == 1
    live.platform.answer = whole
    assert live.pulled() == expected


@each(REFUSED)
def test_refused_credentials_end_the_pull_and_are_named(live: Live, reply: Reply) -> None:
    whole = live.platform.answer
    live.platform.asked.clear()
    live.answers(lambda _: reply)
    with pytest.raises(NotAllowedError) as raised:
        live.pulled()
    assert "s3cr3t" not in str(raised.value)
    if live.world.type not in ("hackernews", "mediawiki", "discourse"):  # which need none
        assert "connection 'live'" in str(raised.value)
    assert len([path for path in live.platform.asked if not path.startswith(live.world.aside or "-")]) <= MOST_FAILURES
    live.platform.answer = whole
    assert live.pulled().acts


@each(GONE)
def test_what_is_not_there_is_a_note(live: Live, reply: Reply) -> None:
    live.answers(lambda _: reply)
    assert [note.reason for note in live.pulled().notes if note.reason.endswith(": not there")]


@pytest.mark.parametrize("live", [world for world in WORLDS if world.type == "x"], ids=["x"], indirect=True)
def test_errors_beside_the_data_are_about_other_posts(live: Live) -> None:
    """X adds one for each post that it refers to and does not show."""
    expected, whole = live.pulled("whole"), live.platform.answer
    error = {"title": TEXT, "type": f"{PROBLEM}resource-not-found", "resource_type": "tweet"}

    def answer(path: str) -> Reply:
        reply = whole(path)
        return reply._replace(value=reply.value | {"errors": [error]})

    live.answers(answer)
    assert live.pulled() == expected
