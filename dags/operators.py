"""Operators that run `clout` without a shell. Its exit code decides whether Airflow retries.

Exit code 2 (wrong use) raises `UsageError`, and 3 (the checks refused the day) raises `RefusedError`. On both, the retry policy
of the DAGs fails the task at once. After any other code but 0, Airflow retries.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Any, ClassVar

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import Asset, BaseOperator, Context
from airflow.sdk.exceptions import AirflowException

from dags import lineage, secrets
from jobs.errors import CloutError, RefusedError, UsageError

PARSING = timedelta(hours=1)  # what a pull may take after its requests

REPAIR = "repair"

_ERRORS: dict[int, type[CloutError]] = {error.exit_code: error for error in (UsageError, RefusedError)}


def failure(code: int, output: str) -> CloutError:
    """The error for an exit code. Its text is the last line of the output that `clout: ` introduces or, if there is none, the
    code and the last 500 characters."""
    complaints = [line.partition("clout: ")[2] for line in output.splitlines() if "clout: " in line]
    return _ERRORS.get(code, CloutError)(complaints[-1] if complaints else f"exit code {code}: {output[-500:]}")


class CloutOperator(BaseOperator):
    """Runs `clout ARGUMENT...` in a process of its own. Leaves out empty arguments, so that a template can drop an option."""

    template_fields: Sequence[str] = ("arguments", "environment")
    template_fields_renderers: ClassVar[dict[str, str]] = {"environment": "json"}

    def __init__(self, *, arguments: list[str], environment: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = arguments
        self.environment = environment

    @cached_property
    def _process(self) -> SubprocessHook:
        return SubprocessHook()

    @property
    def command(self) -> list[str]:
        """The arguments without the empty ones. Read it only after Airflow has rendered the templates."""
        return [argument for argument in self.arguments if argument]

    def get_openlineage_facets_on_start(self) -> Any:
        """Returns the inputs and outputs of the command. Airflow calls it only if an OpenLineage transport is configured."""
        return lineage.of(self.command, self.environment["CLOUT_WAREHOUSE"])

    @property
    def day(self) -> date:
        """The UTC day that follows `--day`. Raises `ValueError` if the command has no such option."""
        return date.fromisoformat(self.command[self.command.index("--day") + 1])

    def execute(self, context: Context) -> None:
        """Runs the command with the worker's environment and `environment`. Raises the error of `failure` unless the exit code
        is 0."""
        ended = self._process.run_command(
            ["clout", *self.command], env={**os.environ, **self.environment, **self._secrets()}
        )
        if ended.exit_code:
            raise failure(ended.exit_code, ended.output)

    def _secrets(self) -> dict[str, str]:
        """Variable -> secret for the command's process."""
        return {}

    def on_kill(self) -> None:
        """Sends SIGTERM to the process group of the command."""
        self._process.send_sigterm()

    def _outcome(self, job: str, **parameters: str) -> dict[str, Any]:
        """The recorded outcome of the day's run of `job` with these parameters, as JSON."""
        from jobs.nights.outcome import outcome
        from jobs.warehouse.storage import Warehouse

        return outcome(Warehouse(self.environment["CLOUT_WAREHOUSE"]), job, self.day, **parameters)


class PullOperator(CloutOperator):
    """Runs `clout pull` of one source, and adds an event to the asset of that source. `minutes` is the source's time budget.
    `execution_timeout` grows to at least that budget and `PARSING`."""

    def __init__(self, *, source: str, minutes: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.minutes = minutes
        if minutes and self.execution_timeout:
            self.execution_timeout = max(self.execution_timeout, timedelta(minutes=minutes) + PARSING)

    def _secrets(self) -> dict[str, str]:
        return secrets.environment(self.source)

    def execute(self, context: Context) -> None:
        """Runs the command, then adds an event to the source's asset, with the recorded outcome and the source as its extra."""
        super().execute(context)
        (alias,) = self.outlets
        asset = Asset(f"activity/{self.source}", uri=f"clout://warehouse/activity/{self.source}")
        extra = self._outcome("pull_activity", source=self.source) | {"source": self.source}
        context["outlet_events"][alias].add(asset, extra=extra)


class PublishOperator(CloutOperator):
    """Runs `clout publish` under the day's official methodology, and completes the event that Airflow adds to the asset of the
    scores."""

    def execute(self, context: Context) -> None:
        """Runs the command, then sets the extra of the asset's event to the recorded outcome and the methodology."""
        from schemas.versions import official

        super().execute(context)
        (asset,) = self.outlets
        methodology = official(self.day)
        extra = self._outcome("publish", methodology=methodology) | {"methodology": methodology}
        context["outlet_events"][asset].extra = extra


class SparkOperator(SparkSubmitOperator):
    """Runs `clout` by `spark-submit`, which exits with clout's exit code."""

    def get_openlineage_facets_on_start(self) -> Any:
        """Returns the inputs and outputs of the application. Airflow calls it only if an OpenLineage transport is
        configured."""
        return lineage.of(self.application_args or [], (self.env_vars or {})["CLOUT_WAREHOUSE"])

    def execute(self, context: Context) -> None:
        """Submits the application. Raises the error of `failure` if `spark-submit` exits with a code other than 0, and
        Airflow's own error if it never started or the cluster failed."""
        if REPAIR in (self.application_args or []):  # the only Spark job that pulls
            os.environ.update(secrets.environment())  # not `env_vars`, which YARN gets on a command line
        try:
            super().execute(context)
        except AirflowException as error:
            submitted = self._hook._submit_sp if self._hook else None
            if submitted is None or not submitted.returncode:
                raise  # `spark-submit` never started, or the cluster failed
            raise failure(submitted.returncode, str(error)) from error
