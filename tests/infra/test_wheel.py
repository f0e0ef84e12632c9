"""A wheel of the repository, installed where there is no checkout: everything that clout reads came with it."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from jobs.places import ROOT

UV = Path(sys.prefix) / ".clout" / "uv" / "bin" / "uv"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and, of this one, the packages that clout needs, the jars and Java."""
    folder = tmp_path_factory.mktemp("wheel")
    run(folder, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    run(folder, str(UV), "venv", "--offline", "--no-project", "--python", sys.executable, str(environment))
    python = str(environment / "bin" / "python")
    run(folder, str(UV), "pip", "install", "--offline", "--no-deps", "--python", python, str(wheel))
    (site,) = environment.glob("lib/python3.*/site-packages")
    # A path file of a path file is not followed, so the checkout, which is installed in this environment, stays out.
    (site / "needs.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    for name in ("jars", "java"):
        (environment / name).symlink_to(Path(sys.prefix) / name)
    return environment


def run(folder: Path, *command: str, cwd: Path | None = None) -> str:
    """Far from the checkout, without anything of this process's environment that leads to it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUT_", "AIRFLOW", "PYTHON"))}
    own = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "AIRFLOW_HOME": str(folder / "airflow")}
    ran = subprocess.run(
        command,
        env=kept | own,
        cwd=cwd or folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def test_the_checkout_is_not_used(installed: Path, tmp_path: Path) -> None:
    script = "import jobs, schemas, dags.common; print(jobs.__file__, schemas.__path__, dags.common.__file__)"
    assert str(ROOT) not in run(tmp_path, str(installed / "bin" / "python"), "-c", script).replace(str(installed), "")


def test_help_and_doctor(installed: Path, tmp_path: Path) -> None:
    clout = str(installed / "bin" / "clout")
    assert "clout run" in run(tmp_path, clout, "--help")
    output = run(tmp_path, clout, "doctor")
    assert "FAULT" not in output
    assert f"nightly sources: sample ({installed}" in output


def test_a_day_is_pulled_and_read(installed: Path, tmp_path: Path) -> None:
    clout = str(installed / "bin" / "clout")
    output = run(tmp_path, clout, "pull", "--day", "2026-11-03", "--source", "sample=people=50")
    assert "2026-11-03" in output
    assert "no day published yet" in run(tmp_path, clout, "doctor")


def test_settings_contracts_and_pages_came_with_it(installed: Path, tmp_path: Path) -> None:
    script = """
from jobs import night_settings, session
from jobs.places import ROOT
from schemas.methodology import load
assert session.settings()["spark.driver.memory"] and night_settings.nights() and load("2026.11")
assert (ROOT / "jobs" / "comparison" / "pages" / "comparison.html").is_file()
assert (ROOT / "infra" / "runbooks" / "late_or_missing_day.md").is_file()
assert (ROOT / "infra" / "log4j2.properties").as_uri() in session.JAVA_OPTIONS
"""
    run(tmp_path, str(installed / "bin" / "python"), "-c", script)


def test_airflow_reads_the_dags(installed: Path, tmp_path: Path) -> None:
    script = """
import sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
assert not bag.import_errors, bag.import_errors
assert {"pull_activity", "score_influence", "repair", "maintain", "validate"} <= set(bag.dags), bag.dags
"""
    (dags,) = installed.glob("lib/python3.*/site-packages/dags")
    run(tmp_path, str(installed / "bin" / "python"), "-c", script, str(dags))
