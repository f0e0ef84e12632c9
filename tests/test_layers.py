"""Imports run one way: a module of a room imports only from rooms below it, and the rooms lie in few layers."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter

from jobs.places import ROOT

JOBS = {
    "checks", "consent", "day_range", "engagement", "holdings", "influence", "leaving", "links", "maintain",
    "monthly_weights", "publish", "pull_activity", "repair", "restatements", "score_changes", "score_inputs", "score_twice",
    "validations", "few_acts", "many_acts",
}  # fmt: skip
ROOMS = [{"cli", "__main__"}, JOBS, {"comparison", "validation", "warm_kernels"}]
ROOMS += [{room} for room in ("why", "backends", "engines", "score", "sources", "nights", "people", "warehouse")]
GROUND = len(ROOMS)
MOST_LAYERS = 11


def floor(module: str) -> int:
    """0 at the top; everything without a room is on the ground."""
    name = module.split(".")[1]
    return next((number for number, rooms in enumerate(ROOMS) if name in rooms), GROUND)


def room(module: str) -> str:
    """`schemas`, or what lies directly in `jobs`: a folder such as `jobs.cli`, or a module such as `jobs.publish`."""
    return ".".join(module.split(".")[:2]) if module.startswith("jobs.") else "schemas"


def imports(*packages: str) -> Iterator[tuple[str, str]]:
    """Module of `jobs`, and each name that it imports from these packages, also inside functions."""
    for path in sorted((ROOT / "jobs").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in packages:
                yield from ((module, f"{node.module}.{name.name}") for name in node.names)


def test_nothing_imports_upwards() -> None:
    assert [f"{module} imports {other}" for module, other in imports("jobs") if floor(other) < floor(module)] == []


def test_the_ground_imports_only_the_ground() -> None:
    found = [
        (module, other) for module, other in imports("jobs") if module != "jobs.__init__" and floor(module) == GROUND
    ]
    assert [pair for pair in found if floor(pair[1]) != GROUND] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for module, other in imports("jobs"):
        path = ROOT / other.replace(".", "/")
        is_module = path.with_suffix(".py").exists() or path.is_dir()
        graph.setdefault(module, set()).add(other if is_module else other.rpartition(".")[0])
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_rooms_lie_in_few_layers() -> None:
    """A room that imports no other lies in layer 1, any other one layer above the highest that it imports."""
    below: dict[str, set[str]] = {}
    for module, other in imports("jobs", "schemas"):
        if module != "jobs.__init__":
            below.setdefault(room(module), set()).update({room(other)} - {room(module)})
    layers: dict[str, int] = {}
    for name in TopologicalSorter(below).static_order():
        layers[name] = 1 + max((layers[other] for other in below.get(name, ())), default=0)
    assert max(layers.values()) <= MOST_LAYERS, sorted(layers, key=lambda name: -layers[name])
