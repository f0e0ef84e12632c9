"""Set-up installs what is optional if it can, and only with the pinned checksum."""

import hashlib
import re
from pathlib import Path

import pytest

from tests.infra.setup_functions import bash

JAR = "org.example_fast_2.13-1.0.jar"
MAKE = "make_optional fast org.example:fast_2.13:1.0 'org.*:*' 'Fast' 'days take longer' {sum}"
HAS = "; has_optional fast org.example:fast_2.13:1.0 && echo here"
RESOLVES = (
    'resolve() {{ local jars=$clout_venv/.clout/cache/ivy/jars; mkdir -p "$jars"; echo {content} >"$jars/{jar}"; }}; '
)


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    (tmp_path / "venv" / ".clout").mkdir(parents=True)
    return tmp_path / "venv"


def test_an_optional_package_of_the_pinned_checksum_is_installed(venv: Path) -> None:
    pinned = hashlib.sha256(b"whole\n").hexdigest()
    made = bash(RESOLVES.format(content="whole", jar=JAR) + MAKE.format(sum=pinned) + HAS, CLOUT_VENV=venv)
    assert (made.returncode, made.stdout) == (0, "here\n"), made.stderr
    assert (venv / "jars" / JAR).read_text() == "whole\n"
    (venv / "jars" / JAR).unlink()
    assert bash(f"true{HAS} || echo gone", CLOUT_VENV=venv).stdout == "gone\n"


def test_an_optional_package_of_another_checksum_ends_set_up(venv: Path) -> None:
    pinned = hashlib.sha256(b"whole\n").hexdigest()
    made = bash(RESOLVES.format(content="changed", jar=JAR) + MAKE.format(sum=pinned), CLOUT_VENV=venv)
    assert made.returncode == 1
    assert re.fullmatch(
        rf"clout: org\.example:fast_2\.13:1\.0 has SHA-256 [0-9a-f]{{64}}, expected {pinned}: do not trust .*\n",
        made.stderr,
    )
    assert not (venv / "jars").exists()


def test_an_optional_package_that_is_not_available_is_tried_once(venv: Path) -> None:
    made = bash("resolve() { return 1; }; " + MAKE.format(sum="") + HAS, CLOUT_VENV=venv)
    assert (made.returncode, made.stdout) == (0, "here\n")
    assert made.stderr == (
        "clout: Fast is not available here: days take longer, everything else works (to try again: rm"
        f" '{venv}/.clout/fast.stamp' && bash infra/setup.sh)\n"
    )
