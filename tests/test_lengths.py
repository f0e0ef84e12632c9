"""A module is short enough to be read at once."""

from jobs.places import ROOT

ROOMS = ("jobs", "dags", "schemas", "infra", "tests")
MOST_LINES = 299


def test_no_module_is_long() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
    }
    assert set(ROOMS) == {name.partition("/")[0] for name in lines}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
