"""The key of Stack Exchange's API, which can only be sent in the query of a URL."""

import logging
from pathlib import Path

import pytest
from backports import zstd

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.sources.spec import LiveOptions, SourceSpec, parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from tests.jobs.sources.killed import recorded
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.site_server import DAY, pulled, query_of
from tests.jobs.sources.stackexchange_server import SITE, error
from tests.jobs.sources.stackexchange_server import answer as whole

KEY = "k3y-s3cr3t))"


@pytest.fixture
def stack(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    SITE.serve(platform, monkeypatch)
    return platform


def test_the_key_is_sent_if_there_is_one(stack: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled(SITE.opened(stack, tmp_path / "without"))
    assert not [path for path in stack.asked if "key" in query_of(path)[1]]
    monkeypatch.setenv("CLOUT_CONNECTION_SITE", KEY)
    stack.asked.clear()
    pulled(SITE.opened(stack, tmp_path / "with"))
    assert {query_of(path)[1]["key"] for path in stack.asked} == {KEY}


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "bad_parameter", f"`key` {KEY} doesn't match a known application"),
        error(500, "internal_error", KEY),
        error(404, "no_method", KEY),
        Reply({"error_id": KEY}),
        Reply(KEY.encode(), 502),
        Reply(f"<html>{KEY}</html>".encode()),
        Reply(None, 302, {"Location": f"https://elsewhere.example/?key={KEY}"}),
        Reply(None, 302, {"Location": f"http://[?{KEY}"}),
    ],
)
def test_the_key_appears_in_no_error_log_recording_or_table(
    stack: Platform,
    warehouse: Warehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    reply: Reply,
) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_SITE", KEY)
    monkeypatch.setattr("jobs.sources.live.budget.Budget.wait", lambda *_: None)
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "jobs")  # as the command line does
    first = [True]
    stack.answer = lambda path: whole(path) if first and first.pop() else reply
    options = LiveOptions(ask=SITE.ask(stack.url))
    spec = SourceSpec("site", "stackexchange", (), options=options)
    shown = []
    try:
        pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test"))
        shown += [str(row) for table in (COVERAGE, REJECTS) for row in warehouse.read(table).to_pylist()]
    except UsageError as raised:
        shown.append(str(raised))
        assert "connection 'site'" in shown[0]
    shown += [caplog.text, *(zstd.decompress(path.read_bytes()).decode() for path in recorded(tmp_path))]
    assert len(shown) > 2
    assert not [text for text in shown if "s3cr3t" in text]


def test_a_refused_key_fails_at_once_and_names_the_connection(
    stack: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_SITE", KEY)
    stack.answer = lambda _: error(400, "bad_parameter", f"`key` {KEY} doesn't match a known application")
    with pytest.raises(
        UsageError, match=r"/questions: refused \(400\); check the site and the key of connection 'site'$"
    ):
        pulled(SITE.opened(stack, tmp_path))
    assert len(stack.asked) == 1


def test_a_site_is_named_by_its_host(tmp_path: Path) -> None:
    source = parse_specs(["dba:stackexchange=https://dba.stackexchange.com/"])[0].open(tmp_path)
    assert source.platforms == ("dba.stackexchange.com",)
    with pytest.raises(UsageError, match="expected the address of a site"):
        parse_specs(["dba:stackexchange=not a site"])[0].open(tmp_path)
