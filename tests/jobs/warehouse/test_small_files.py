"""Which small files a process keeps. What it asks of a store: see `tests/store/test_requests.py`."""

import pytest

from jobs.warehouse import small_files


def test_the_oldest_files_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_files, "_kept", {})
    monkeypatch.setattr(small_files, "KEPT_BYTES", 10)
    for path in ("a", "b", "c"):
        small_files._keep({("table", path): bytes(4)})
    assert list(small_files._kept) == [("table", "b"), ("table", "c")]
