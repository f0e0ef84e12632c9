"""The tests' files are in memory where that is safe, and nothing of an ended run stays there but what failed tests left."""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import in_memory
from tests.in_memory import LEAST_BYTES, NAME, PREFIX, InMemory, has_room, register

NOBODY = 2**22 + 1  # more than any process id


@pytest.fixture(autouse=True)
def _usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test changes of it, the other tests write where they wrote."""
    monkeypatch.setenv("TMPDIR", "")
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)
    monkeypatch.setattr(in_memory, "available_bytes", lambda: LEAST_BYTES)
    system = SimpleNamespace(f_bavail=LEAST_BYTES, f_frsize=1, f_flag=0)
    monkeypatch.setattr(os, "statvfs", lambda _: system)


@pytest.fixture
def plugins() -> pytest.PytestPluginManager:
    """Those of a run."""
    return pytest.PytestPluginManager()


def test_temporary_files_are_there_until_the_tests_have_passed(
    tmp_path: Path, plugins: pytest.PytestPluginManager
) -> None:
    register(plugins, tmp_path)
    plugin = plugins.get_plugin(NAME)
    assert isinstance(plugin, InMemory)
    written = Path(tempfile.mkdtemp())
    assert written.parent == Path(os.environ["TMPDIR"])
    assert written.parent.name.startswith(f"{PREFIX}{os.getpid()}-")
    plugin.pytest_sessionfinish(pytest.ExitCode.OK)
    plugin.pytest_unconfigure()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("ended", [pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED])
def test_the_files_of_failed_tests_stay_until_the_next_run(
    tmp_path: Path, plugins: pytest.PytestPluginManager, ended: pytest.ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    register(plugins, tmp_path)
    plugin = plugins.get_plugin(NAME)
    assert isinstance(plugin, InMemory)
    plugin.pytest_sessionfinish(ended)
    plugin.pytest_unconfigure()
    (folder,) = tmp_path.iterdir()
    assert capsys.readouterr().err.endswith(f": {folder}\n")
    folder.rename(tmp_path / f"{PREFIX}{NOBODY}-a")
    (tmp_path / f"{PREFIX}{os.getpid()}-b").mkdir()  # of an earlier process of that number
    (tmp_path / f"{PREFIX}{os.getppid()}-c").mkdir()  # of a run at work
    (tmp_path / "of another program").mkdir()
    os.environ["TMPDIR"] = "elsewhere"
    register(new := pytest.PytestPluginManager(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{PREFIX}{os.getppid()}-c", "of another program"}
    assert not new.has_plugin(NAME)


def test_there_is_room_only_in_enough_memory_that_runs_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert has_room(tmp_path)
    assert not has_room(tmp_path / "missing")
    with monkeypatch.context() as patch:
        patch.setattr(in_memory, "available_bytes", lambda: LEAST_BYTES - 1)
        assert not has_room(tmp_path)
    for name, value in (("f_bavail", LEAST_BYTES - 1), ("f_flag", os.ST_NOEXEC)):
        with monkeypatch.context() as patch:
            patch.setattr(os.statvfs(tmp_path), name, value)
            assert not has_room(tmp_path)
