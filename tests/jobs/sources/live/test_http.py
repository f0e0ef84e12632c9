"""Requests of live sources, through the real client, against a server on loopback that misbehaves as platforms do."""

import logging
import time
from typing import Any

import pytest

from jobs.errors import UsageError
from jobs.sources.live import http, waits
from jobs.sources.live.budget import ApiError, Budget
from jobs.sources.live.http import (
    TRIES,
    Api,
    ForbiddenError,
    NotAllowedError,
    NotThereError,
    PassingError,
    WithheldError,
)
from tests.jobs.sources.conftest import Clock, MakeApi
from tests.jobs.sources.platform_server import DATE, NOW, Platform, Reply, then

SECRET = "s3cr3t"


def test_an_answer_is_read_and_the_platform_knows_who_asks(
    platform: Platform, api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_CONTACT", "ops@example.org")
    platform.answer = then(Reply({"id": 1}))
    assert api().get("items/1", {"a": "b c"}).value == {"id": 1}
    assert platform.asked == ["/items/1?a=b+c"]
    assert platform.headers["user-agent"].startswith("clout/")
    assert platform.headers["user-agent"].endswith("(ops@example.org)")


@pytest.mark.parametrize(("date", "at"), [(DATE["Date"], NOW.timestamp()), ("yesterday", None), ("", None)])
def test_an_answer_has_the_platforms_time_or_else_this_machines(
    platform: Platform, api: MakeApi, date: str, at: float | None
) -> None:
    platform.answer = then(Reply(1, headers={"Date": date}))
    before = time.time()
    found = api().get("x").at
    assert found == at if at else before <= found <= time.time()


@pytest.mark.parametrize("status", [408, 500, 502, 503])
def test_a_failure_that_passes_is_retried(platform: Platform, api: MakeApi, clock: Clock, status: int) -> None:
    platform.answer = then(*[Reply(b"", status)] * 3, Reply([1]))
    assert api().get("x").value == [1]
    assert len(clock.waits) == 3
    assert clock.waits == sorted(clock.waits)


@pytest.mark.parametrize(
    "reply",
    [Reply(b"", 502), Reply(b"<html>please log in</html>"), Reply(b'{"items": [1, 2'), Reply(b"")],
    ids=["storm of 502", "HTML", "truncated JSON", "empty"],
)
def test_a_failure_that_stays_ends_the_pull_and_quotes_no_body(platform: Platform, api: MakeApi, reply: Reply) -> None:
    platform.answer = then(reply)
    with pytest.raises(ApiError, match=rf"^127\.0\.0\.1/x: .*, {TRIES} times$") as raised:
        api().get("x", {"token": SECRET})
    assert "log in" not in str(raised.value)
    assert SECRET not in str(raised.value)
    assert len(platform.asked) == TRIES


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_refused_fail_at_once_and_name_the_connection(
    platform: Platform, api: MakeApi, status: int
) -> None:
    platform.answer = then(Reply(None, status))
    with pytest.raises(
        NotAllowedError, match=rf"^127\.0\.0\.1/x: not allowed \({status}\); check connection 'github'$"
    ):
        api(connection="github", headers={"Authorization": f"Bearer {SECRET}"}).get("x")
    assert len(platform.asked) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply({"message": "Repository access blocked"}, 403), ForbiddenError),
        (Reply({"message": "Bad credentials"}, 403), NotAllowedError),
        (Reply({"error": "insufficient_scope"}, 403), NotAllowedError),
        (Reply({"message": "Repository access blocked"}, 401), NotAllowedError),
    ],
)
def test_a_refusal_names_the_credentials_or_may_be_about_one_resource(
    platform: Platform, api: MakeApi, reply: Reply, kind: type[NotAllowedError]
) -> None:
    platform.answer = then(reply)
    with pytest.raises(NotAllowedError) as raised:
        api().get("x")
    assert type(raised.value) is kind


@pytest.mark.parametrize("status", [404, 410, 451])
def test_what_is_gone_is_one_thing_less(platform: Platform, api: MakeApi, status: int) -> None:
    platform.answer = then(Reply(None, status))
    with pytest.raises(NotThereError, match=rf"(not there|withheld for legal reasons) \({status}\)") as raised:
        api().get("x")
    assert isinstance(raised.value, WithheldError) is (status == 451)
    assert len(platform.asked) == 1


def test_a_redirect_on_the_same_host_is_followed(platform: Platform, api: MakeApi) -> None:
    platform.answer = lambda path: Reply(1) if path == "/b" else Reply(None, 301, {"Location": "/b"})
    assert api().get("a").value == 1


@pytest.mark.parametrize("place", ["http://169.254.169.254/meta", "https://login.example.org/", "file:///etc/passwd"])
def test_a_redirect_to_another_host_is_not_followed(platform: Platform, api: MakeApi, place: str) -> None:
    platform.answer = then(Reply(None, 302, {"Location": f"{place}?token={SECRET}"}))
    with pytest.raises(ApiError, match=r"^127\.0\.0\.1: leads to another host") as raised:
        api().get("a")
    assert SECRET not in str(raised.value)
    assert platform.asked == ["/a"]


def test_an_endless_redirect_ends(platform: Platform, api: MakeApi) -> None:
    platform.answer = then(Reply(None, 302, {"Location": "/a"}))
    with pytest.raises(ApiError, match="redirects more than 5 times"):
        api().get("a")


def test_pages_are_followed_to_their_end(platform: Platform, api: MakeApi) -> None:
    def answer(path: str) -> Reply:
        number = int(path.partition("page=")[2] or 1)
        link = {"Link": f'<{platform.url}/list?page={number + 1}>; rel="next"'} if number < 3 else {}
        return Reply([number], headers=link)

    platform.answer = answer
    assert [page.value for page in api().pages("list", {"page": 1})] == [[1], [2], [3]]


def test_a_page_that_links_to_an_earlier_one_ends_the_pull(platform: Platform, api: MakeApi) -> None:
    platform.answer = then(Reply([1], headers={"Link": f'<{platform.url}/list>; rel="next"'}))
    with pytest.raises(ApiError, match="links back to a page already read"):
        list(api().pages("list"))
    assert len(platform.asked) == 1


def test_a_next_page_on_another_host_is_not_asked(platform: Platform, api: MakeApi) -> None:
    platform.answer = then(Reply([1], headers={"Link": '<https://evil.example/list>; rel="next"'}))
    with pytest.raises(ApiError, match="another host"):
        list(api().pages("list"))


def test_a_server_that_is_not_there_is_named(clock: Clock) -> None:
    with pytest.raises(ApiError, match=r"^127\.0\.0\.1/x: ConnectError, 6 times"):
        Api("http://127.0.0.1:9", Budget(100, 60, lambda: clock.now, clock.sleep)).get("x")


@pytest.mark.parametrize("place", ["", "example.org", "ftp://example.org", "/a/path", "http://"])
def test_a_place_that_is_no_address_is_refused(place: str) -> None:
    with pytest.raises(UsageError, match="expected an address"):
        Api(place, Budget(1, 1))


def test_an_answer_without_an_end_is_cut_off(platform: Platform, api: MakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.sources.live.http.MAX_ANSWER_BYTES", 1000)
    platform.answer = then(Reply(b"[" + b" " * 2000 + b"]"))
    with pytest.raises(ApiError, match="larger than 1,000 bytes"):
        api().get("x")


def test_no_log_holds_a_secret(platform: Platform, api: MakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither clout's nor its libraries', whatever somebody's settings of logs are."""
    lines: list[str] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: lines.append(record.getMessage()))
    for logger in (logging.root, http.log, waits.log):
        monkeypatch.setattr(logger, "handlers", [handler])
        monkeypatch.setattr(logger, "level", logging.DEBUG)
        monkeypatch.setattr(logger, "disabled", False)
        logger.setLevel(logging.DEBUG)  # so that no logger keeps the level that it cached
    platform.answer = then(Reply({"error": SECRET}, 500, {"X-Token": SECRET}))
    with pytest.raises(ApiError):
        api(headers={"Authorization": SECRET}).get("x", {"key": SECRET})
    assert "127.0.0.1/x: status 500; trying again" in lines
    assert [line for line in lines if SECRET in line] == []


def test_a_real_clock_counts_minutes() -> None:
    budget = Budget(1, 1)
    time.sleep(0.01)
    assert 59 < budget.seconds_left < 60


# Errors that the platform describes in its bodies


def lags(status: int, value: Any, where: str) -> Exception | None:
    """An error in a body, as some platforms send it with status 200, others with 400."""
    return (
        value
        and value.get("error")
        and {"lag": PassingError("the platform lags"), "gone": ApiError(f"{where}: gone")}[value["error"]]
    )


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "5"}, 6), ({}, None)])
def test_an_error_in_a_body_that_passes_is_retried(
    platform: Platform, api: MakeApi, clock: Clock, status: int, headers: dict[str, str], seconds: int | None
) -> None:
    platform.answer = then(Reply({"error": "lag"}, status, headers), Reply({"id": 1}))
    assert api(fault=lags).get("x").value == {"id": 1}
    assert len(clock.waits) == 1
    assert clock.waits[0] == seconds or seconds is None


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_in_a_body_that_stays_ends_the_pull(platform: Platform, api: MakeApi, status: int) -> None:
    platform.answer = then(Reply({"error": "gone"}, status))
    with pytest.raises(ApiError, match=r"^127\.0\.0\.1/x: gone$"):
        api(fault=lags).get("x")
    assert len(platform.asked) == 1


@pytest.mark.parametrize("reply", [Reply({"id": 1}, 400), Reply(b"<html>", 400)])
def test_a_400_without_such_an_error_ends_the_pull(platform: Platform, api: MakeApi, reply: Reply) -> None:
    platform.answer = then(reply)
    with pytest.raises(ApiError, match=r"^127\.0\.0\.1/x: status 400$"):
        api(fault=lags).get("x")


def test_an_answer_has_the_platforms_time_and_its_headers(platform: Platform, api: MakeApi) -> None:
    platform.answer = then(Reply([], 200, DATE | {"X-Hint": "a"}), Reply([], 200, {"Date": "soon"}))
    answer = api().get("x")
    assert answer.at == NOW.timestamp()
    assert answer.headers["x-hint"] == "a"
    assert abs(api().get("x").at - time.time()) < 60


def test_a_resource_that_still_has_the_version_at_hand_has_no_value(platform: Platform, api: MakeApi) -> None:
    def answer(path: str) -> Reply:
        headers = {"ETag": '"v1"', "Link": f'<{platform.url}/b>; rel="next"'} if path == "/a" else {}
        versions.append(platform.headers.get("if-none-match"))
        return Reply(b"", 304, headers) if versions[-1] == '"v1"' else Reply([1], 200, headers)

    versions: list[str | None] = []
    platform.answer = answer
    first = api().get("a")
    assert (first.value, first.etag, first.is_unchanged) == ([1], '"v1"', False)
    again = api().get("a", etag=first.etag)
    assert (again.value, again.etag, again.is_unchanged, again.next) == (None, '"v1"', True, None)
    assert [page.value for page in api().pages("a", etag='"v0"')] == [[1], [1]]
    assert versions == [None, '"v1"', '"v0"', None]
