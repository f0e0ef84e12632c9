"""Notices: what they say, and that they go the way the connection names."""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier
from airflow.providers.smtp.notifications.smtp import SmtpNotifier

from dags import notify
from dags.notify import Notice, RunTimedOut, TaskFailed
from tests.dags.up import webhook

DAY = date(2026, 11, 3)
NOTICE = Notice("pull_activity.pull failed", DAY, "gone <404> {{ ds }}", "late_or_missing_day.md", "gh")
TEXT = """clout 2026-11-03: pull_activity.pull failed
source: gh
reason: gone <404> {{ ds }}
runbook: infra/runbooks/late_or_missing_day.md"""
RUN = SimpleNamespace(
    data_interval_start=datetime(2026, 11, 3, tzinfo=UTC), run_after=datetime(2026, 11, 4, tzinfo=UTC)
)


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`connection(TYPE, **fields)`: Airflow has `clout_notify`."""

    def put(conn_type: str, **fields: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_CLOUT_NOTIFY", json.dumps({"conn_type": conn_type, **fields}))

    monkeypatch.delenv("AIRFLOW_CONN_CLOUT_NOTIFY", raising=False)
    return put


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Notice]:
    """The notices that would be sent."""
    notices: list[Notice] = []
    monkeypatch.setattr(notify, "send", notices.append)
    return notices


def test_a_notice_names_day_source_reason_and_runbook() -> None:
    assert str(NOTICE) == TEXT


def test_without_a_connection_it_is_logged(connection: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        notify.send(NOTICE)
    assert caplog.messages == [TEXT]


def test_a_webhook_receives_it_as_json(connection: Callable[..., None]) -> None:
    with webhook() as receiver:
        connection("http", host=receiver.url)
        notify.send(NOTICE)
    assert receiver.notices == [
        {
            "what": "pull_activity.pull failed", "day": "2026-11-03", "source": "gh", "reason": "gone <404> {{ ds }}",
            "runbook": "infra/runbooks/late_or_missing_day.md", "text": TEXT,
        }
    ]  # fmt: skip


def test_an_email_goes_to_whom_the_connection_names(
    connection: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mails: list[SmtpNotifier] = []
    monkeypatch.setattr(SmtpNotifier, "notify", lambda self, context: mails.append(self))
    connection("smtp", host="localhost", extra={"to": "oncall@example.org", "from_email": "clout@example.org"})
    notify.send(NOTICE)
    (mail,) = mails
    assert (mail.to, mail.from_email, mail.smtp_conn_id) == ("oncall@example.org", "clout@example.org", "clout_notify")
    assert mail.subject == "clout 2026-11-03: pull_activity.pull failed"
    assert mail.html_content is not None
    assert "reason: gone &lt;404&gt; {{ ds }}" in mail.html_content


def test_slack_gets_the_text(connection: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[SlackWebhookNotifier] = []
    monkeypatch.setattr(SlackWebhookNotifier, "notify", lambda self, context: messages.append(self))
    connection("slackwebhook", password="T/B/x")
    notify.send(NOTICE)
    (message,) = messages
    assert (message.text, message.slack_webhook_conn_id) == (TEXT, "clout_notify")


def test_a_connection_of_another_type_is_refused(connection: Callable[..., None]) -> None:
    connection("postgres", host="localhost")
    with pytest.raises(
        ValueError, match="clout_notify is of type 'postgres'; expected one of smtp, slackwebhook, http"
    ):
        notify.send(NOTICE)


def test_one_notice_that_fails_holds_back_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Notice] = []

    def send(notice: Notice) -> None:
        tried.append(notice)
        if len(tried) == 1:
            raise OSError("no route")

    monkeypatch.setattr(notify, "send", send)
    with pytest.raises(OSError, match="no route"):
        notify.send_all([NOTICE, NOTICE])
    assert len(tried) == 2


def test_a_failed_task_is_reported_with_its_source_and_error(sent: list[Notice]) -> None:
    task = SimpleNamespace(dag_id="pull_activity", task_id="pull", source="gh")
    context = {"ti": SimpleNamespace(task=task), "dag_run": RUN, "exception": OSError("gone")}
    TaskFailed(runbook="late_or_missing_day.md")(context)
    assert sent == [Notice("pull_activity.pull failed", DAY, "gone", "late_or_missing_day.md", "gh")]


def test_a_task_that_vanished_is_reported_too(sent: list[Notice]) -> None:
    context = {"ti": SimpleNamespace(task=SimpleNamespace(dag_id="d", task_id="t")), "dag_run": RUN}
    TaskFailed(runbook="x.md")(context)
    assert sent == [Notice("d.t failed", DAY, "failed without reporting an error; see its log", "x.md")]


@pytest.mark.parametrize(("reason", "count"), [("timed_out", 1), ("task_failure", 0)])
def test_a_run_that_hangs_is_reported_once(sent: list[Notice], reason: str, count: int) -> None:
    dag: Any = SimpleNamespace(dag_id="score_influence", dagrun_timeout=timedelta(hours=20), user_defined_macros={})
    RunTimedOut(runbook="x.md").notify({"reason": reason, "dag": dag, "dag_run": RUN})
    notice = Notice("score_influence did not end", DAY, "still running after 20:00:00; stopped", "x.md")
    assert sent == [notice] * count


@pytest.mark.parametrize(("run_type", "count"), [("scheduled", 1), ("backfill", 0), ("manual", 0)])
def test_nights_alone_have_a_deadline(sent: list[Notice], run_type: str, count: int) -> None:
    run = {
        "dag_id": "score_influence",
        "run_type": run_type,
        "state": "running",
        "logical_date": "2026-11-03T00:00:00Z",
    }
    context = {"dag_run": run, "deadline": {"deadline_time": "2026-11-04T08:00:00Z"}}
    asyncio.run(notify.deadline_passed("late_or_missing_day.md", "the day to be published", context))
    reason = "state 'running' at 2026-11-04T08:00:00Z, expected the day to be published"
    notice = Notice("score_influence missed its deadline", DAY, reason, "late_or_missing_day.md")
    assert sent == [notice] * count


def test_the_deadline_is_counted_from_the_beginning_of_the_day() -> None:
    assert notify.deadline(None, "late_or_missing_day.md", "the day") is None
    alert = notify.deadline(timedelta(hours=8), "late_or_missing_day.md", "the day")
    assert alert is not None
    assert (alert.interval, alert.callback.path) == (timedelta(hours=32), "dags.notify.deadline_passed")
    assert alert.callback.kwargs == {"runbook": "late_or_missing_day.md", "expected": "the day"}
