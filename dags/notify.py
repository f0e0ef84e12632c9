"""Notifies the people on call of a failed task, a hanging run, a missed deadline, or a day published without all its data.

Logs every notice. Also sends it by e-mail, Slack or webhook if Airflow has the connection `clout_notify`. The connection's type
selects the channel: `smtp` (extra: `to` and, to override the connection's sender, `from_email`), `slackwebhook`, or `http` (a
POST of the notice as JSON). A notice names the day, the source, the reason and the runbook to open.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from airflow.sdk import BaseNotifier, Connection, Context
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowNotFoundException

log = logging.getLogger(__name__)

CONNECTION = "clout_notify"
RUNBOOKS = "infra/runbooks"
NO_SOURCE = "all"


@dataclass(frozen=True)
class Notice:
    """A message to the person on call. `source` is `all` if the notice is not about one source; `runbook` is the name of a file
    in `infra/runbooks`."""

    what: str
    day: date
    reason: str
    runbook: str
    source: str = NO_SOURCE

    @property
    def subject(self) -> str:
        """The first line of the notice, such as `clout 2026-10-01: score_influence.publish failed`."""
        return f"clout {self.day}: {self.what}"

    def __str__(self) -> str:
        return f"{self.subject}\nsource: {self.source}\nreason: {self.reason}\nrunbook: {RUNBOOKS}/{self.runbook}"


def send(notice: Notice) -> None:
    """Logs the notice and, if connection `clout_notify` exists, sends it. Raises `ValueError` if the type of the connection is
    not one of `WAYS`, and any error of sending."""
    log.error("%s", notice)
    try:
        connection = Connection.get(CONNECTION)
    except AirflowNotFoundException:
        return
    if connection.conn_type not in WAYS:
        raise ValueError(
            f"connection {CONNECTION} is of type {connection.conn_type!r}; expected one of {', '.join(WAYS)}; nothing sent"
        )
    # Without Airflow's rendering, because a reason may hold text that looks like a template.
    WAYS[connection.conn_type](notice, connection).notify({})


def _email(notice: Notice, connection: Connection) -> BaseNotifier:
    import html

    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    extra = connection.extra_dejson
    return SmtpNotifier(
        smtp_conn_id=CONNECTION,
        to=extra["to"],
        from_email=extra.get("from_email"),
        subject=notice.subject,
        html_content=f"<pre>{html.escape(str(notice))}</pre>",
    )


def _slack(notice: Notice, _: Connection) -> BaseNotifier:
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    return SlackWebhookNotifier(slack_webhook_conn_id=CONNECTION, text=str(notice))


def _webhook(notice: Notice, _: Connection) -> BaseNotifier:
    from airflow.providers.http.notifications.http import HttpNotifier

    body = asdict(notice) | {"day": str(notice.day), "runbook": f"{RUNBOOKS}/{notice.runbook}", "text": str(notice)}
    return HttpNotifier(http_conn_id=CONNECTION, json=body)


WAYS: Mapping[str, Callable[[Notice, Connection], BaseNotifier]] = {
    "smtp": _email,
    "slackwebhook": _slack,
    "http": _webhook,
}


class TaskFailed(BaseNotifier):
    """For `on_failure_callback` of tasks: reports a task that failed and will not be retried."""

    def __init__(self, *, runbook: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.runbook = runbook

    def notify(self, context: Context) -> None:
        """Sends a notice that names the failed task, with its error as the reason."""
        task = context["ti"].task
        # The scheduler passes no exception if the task's process disappeared.
        reason = context.get("exception") or "failed without reporting an error; see its log"
        source = getattr(task, "source", NO_SOURCE)
        send(
            Notice(f"{task.dag_id}.{task.task_id} failed", _day(context["dag_run"]), str(reason), self.runbook, source)
        )


class RunTimedOut(BaseNotifier):
    """For `on_failure_callback` of DAGs: reports a run that exceeded `dagrun_timeout`. `TaskFailed` reports the other
    failures."""

    def __init__(self, *, runbook: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.runbook = runbook

    def notify(self, context: Context) -> None:
        """Sends a notice if the run timed out; does nothing if it failed for another reason."""
        if context.get("reason") != "timed_out":
            return
        dag = context["dag"]
        reason = f"still running after {dag.dagrun_timeout}; stopped"
        send(Notice(f"{dag.dag_id} did not end", _day(context["dag_run"]), reason, self.runbook))


def deadline(at: timedelta | None, runbook: str, expected: str) -> DeadlineAlert | None:
    """An alert for nightly runs that have not ended by time `at` (UTC) on the day after their logical date. None if `at` is
    None. `expected` says what should have happened. The triggerer sends the notice."""
    if at is None:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=timedelta(days=1) + at,
        callback=AsyncCallback(deadline_passed, kwargs={"runbook": runbook, "expected": expected}),
    )


async def deadline_passed(runbook: str, expected: str, context: Mapping[str, Any]) -> None:
    """Sends the notice for scheduled runs only: the day of a backfill is past its deadline anyway, and an operator watches a
    manual run."""
    run = context["dag_run"]
    if run["run_type"] != "scheduled":
        return
    reason = f"state {run['state']!r} at {context['deadline']['deadline_time']}, expected {expected}"
    day = datetime.fromisoformat(run["logical_date"]).date()
    notice = Notice(f"{run['dag_id']} missed its deadline", day, reason, runbook)
    await asyncio.to_thread(send, notice)


def send_all(notices: Sequence[Notice]) -> None:
    """Sends every notice, even if sending another one fails. Then raises the first failure."""
    failures = []
    for notice in notices:
        try:
            send(notice)
        except Exception as error:
            log.exception("a notice could not be sent")
            failures.append(error)
    if failures:
        raise failures[0]


def _day(run: Any) -> date:
    return run.data_interval_start.date() if run.data_interval_start else run.run_after.date()
