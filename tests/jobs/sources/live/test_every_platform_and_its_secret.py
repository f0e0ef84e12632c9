"""Every live platform's secret, through its real client: refused, and looked for in everything that a pull writes."""

import logging

import pytest
from backports import zstd

from jobs.errors import UsageError
from tests.jobs.sources.killed import recorded
from tests.jobs.sources.live.worlds import SECRET, Live
from tests.jobs.sources.platform_server import Reply


def test_a_refused_secret_ends_the_pull_at_once_and_is_named(live: Live) -> None:
    live.answers(
        lambda _: Reply({"message": f"Bearer {SECRET}"}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    )
    if live.world.type == "feeds":
        assert live.pulled().notes[0].reason == "1 of 1 feeds: access is denied"
        return
    with pytest.raises(UsageError) as raised:
        live.pulled()
    assert SECRET not in str(raised.value)
    if live.world.type not in ("hackernews", "mediawiki", "discourse"):  # which need none
        assert "check connection 'live'" in str(raised.value)
    assert len(live.platform.asked) <= (2 if live.world.type == "reddit-live" else 1)  # one of them for a token


def test_a_secret_is_shown_nowhere(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "jobs")
    found = live.pulled()
    texts = [caplog.text, *map(str, found)]
    texts += [zstd.decompress(path.read_bytes()).decode() for path in recorded(live.landing)]
    texts += [path.read_text() for path in live.landing.rglob("*.json")]
    if live.world.type != "stackexchange":  # which accepts its key in the query only
        texts += live.platform.asked
    assert not [text for text in texts if SECRET in text or SECRET.partition(":")[2] in text]
