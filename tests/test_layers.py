"""Imports run one way: a module of a room imports only from rooms below it."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter

from jobs.places import ROOT

JOBS = {
    "checks", "day_range", "engagement", "influence", "maintain", "publish", "pull_activity", "repair", "restatements",
    "score_changes", "score_twice", "validations",
}  # fmt: skip
ROOMS = [{"cli", "__main__"}, JOBS, {"comparison", "validation", "warm_kernels"}]
ROOMS += [{room} for room in ("why", "engines", "score", "sources", "nights", "warehouse")]
GROUND = len(ROOMS)


def floor(module: str) -> int:
    """0 at the top; everything without a room is on the ground."""
    room = module.split(".")[1]
    return next((number for number, rooms in enumerate(ROOMS) if room in rooms), GROUND)


def imports() -> Iterator[tuple[str, str]]:
    """Module and what it imports of `jobs`, also inside functions."""
    for path in sorted((ROOT / "jobs").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "jobs":
                yield from ((module, f"{node.module}.{name.name}") for name in node.names)


def test_nothing_imports_upwards():
    assert [f"{module} imports {other}" for module, other in imports() if floor(other) < floor(module)] == []


def test_the_ground_imports_only_the_ground():
    found = [(module, other) for module, other in imports() if module != "jobs.__init__" and floor(module) == GROUND]
    assert [pair for pair in found if floor(pair[1]) != GROUND] == []


def test_no_modules_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for module, other in imports():
        path = ROOT / other.replace(".", "/")
        is_module = path.with_suffix(".py").exists() or path.is_dir()
        graph.setdefault(module, set()).add(other if is_module else other.rpartition(".")[0])
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle
