"""The units of a team's server: systemd accepts them, they start what `infra/up.sh` starts, and nothing is left to guess."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jobs.places import ROOT

UNITS = ROOT / "infra" / "systemd"
PROGRAMS = {"api-server", "scheduler", "dag-processor", "triggerer"}


def test_systemd_accepts_every_unit(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    airflow = shutil.which("true")
    for unit in folder.glob("*.service"):  # neither the user nor the checkout of the server is here
        text = unit.read_text().replace("/opt/clout/.venv/bin/airflow", str(airflow)).replace("User=clout\n", "")
        unit.write_text(text)
    for program in PROGRAMS:
        (folder / f"clout@{program}.service").symlink_to(folder / "clout@.service")
    command = ["systemd-analyze", "verify", "--man=no", str(folder / "clout.target")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in found.stderr.splitlines() if "clout" in line]
    assert (found.returncode, ours) == (0, [])


def test_the_target_starts_the_programs_that_up_starts() -> None:
    wanted = set(re.findall(r"clout@([\w-]+)\.service", (UNITS / "clout.target").read_text()))
    started = set(re.findall(r"^start \w+ ([\w-]+)", (ROOT / "infra" / "up.sh").read_text(), flags=re.MULTILINE))
    assert wanted == started == PROGRAMS


def test_every_setting_is_named_once_and_no_secret_is_in_the_file() -> None:
    lines = [line for line in (UNITS / "clout.env").read_text().splitlines() if line and not line.startswith("#")]
    names = [line.partition("=")[0] for line in lines]
    assert len(names) == len(set(names))
    assert [line for line in lines if "SECRET" in line or "PASSWORD" in line] == ["AIRFLOW__API_AUTH__JWT_SECRET="]
    assert Path(dict(line.split("=", 1) for line in lines)["CLOUT_WAREHOUSE"]).is_relative_to("/var/lib/clout")
