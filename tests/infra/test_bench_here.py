"""Which commit the benchmark says that it measured, and when it refuses to record."""

import importlib
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from jobs.places import ROOT


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module, in a checkout of one commit."""
    monkeypatch.syspath_prepend(ROOT / "infra" / "bench")
    module = importlib.import_module("here")
    for name, path in (("ROOT", "."), ("HISTORY", "history.jsonl"), ("PICTURE", "bench.svg")):
        monkeypatch.setattr(module, name, tmp_path / path)
        (tmp_path / path).is_dir() or (tmp_path / path).write_text("")
    (tmp_path / "code.py").write_text("")
    git = ("git", "-c", "user.name=ana", "-c", "user.email=ana@example.org")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "Begin")):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    return module


def test_a_record_names_the_commit_whose_code_was_measured(here: ModuleType, tmp_path: Path) -> None:
    name = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=tmp_path, text=True)[:8]
    for written in ("history.jsonl", "bench.svg"):
        (tmp_path / written).write_text("recorded")
    assert here.commit() == name
    here.refuse_changes()
    (tmp_path / "code.py").write_text("changed")
    assert here.run().commit == f"{name}+"
    with pytest.raises(
        SystemExit, match=f"^bench: --record names a commit, but these files differ from {name}: code.py$"
    ):
        here.refuse_changes()


def test_without_git_nothing_is_recorded(here: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "ROOT", Path("/"))
    monkeypatch.setattr(here, "HISTORY", Path("/history.jsonl"))
    monkeypatch.setattr(here, "PICTURE", Path("/bench.svg"))
    assert here.commit() == "unknown"
    with pytest.raises(SystemExit, match="--record needs a Git checkout"):
        here.refuse_changes()


def test_the_machine_is_described(here: ModuleType) -> None:
    assert here.machine().partition(" cores of ")[0].isdigit()
    assert here.machine().endswith(" GB")
