"""Set-up, imports and unit tests on every Python that the project claims and this machine has."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent.parent
CLAIMED = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
VERSIONS = [f"3.{minor}" for minor in range(8, 30) if CLAIMED.contains(f"3.{minor}")]


def interpreter(version: str) -> Path | None:
    """A Python of this version on PATH or among pyenv's."""
    places = [Path(folder) / f"python{version}" for folder in os.environ["PATH"].split(":")]
    places += Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")
    for place in places:
        if place.is_file() and not subprocess.run([place, "-c", ""], capture_output=True, check=False).returncode:
            return place.resolve()
    return None


def test_the_claimed_versions_are_those_that_set_up_accepts() -> None:
    assert VERSIONS == ["3.11", "3.12", "3.13"]
    assert r"^3\.1[123]$" in (ROOT / "infra" / "setup.sh").read_text()


@pytest.mark.rehearsal
@pytest.mark.parametrize("version", [version for version in VERSIONS if not sys.version.startswith(version)])
def test_unit_tests_pass_on_another_python(version: str, tmp_path: Path) -> None:
    """Takes some minutes for each version: it installs everything again."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    (tmp_path / "bin").mkdir()
    for name in ("python3", f"python{version}"):
        (tmp_path / "bin" / name).symlink_to(python)
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "CLOUT_VENV": f"{tmp_path}/venv", "HOME": str(Path.home())}
    environment |= {name: value for name, value in os.environ.items() if name.startswith(("CLOUT_TEST", "PIP_", "UV_"))}
    done = subprocess.run(["bash", ROOT / "infra" / "test.sh", "-m", "unit", "-q"], env=environment, check=False)
    assert done.returncode == 0
