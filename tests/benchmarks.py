"""The modules of `infra/bench`, which are scripts beside each other, for tests."""

import importlib.util
from types import ModuleType, SimpleNamespace

import pytest

from jobs.places import ROOT

BENCH = ROOT / "infra" / "bench"


def modules(monkeypatch: pytest.MonkeyPatch, *names: str) -> SimpleNamespace:
    """Modules by name."""
    monkeypatch.syspath_prepend(BENCH)
    return SimpleNamespace(**{name: importlib.import_module(name) for name in names})


def command_of(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the command `infra/bench.sh`."""
    monkeypatch.syspath_prepend(BENCH)
    spec = importlib.util.spec_from_file_location("bench_command", BENCH / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
