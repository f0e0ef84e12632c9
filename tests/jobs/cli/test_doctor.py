"""What is installed, where the warehouse is, what is missing."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs import comet, session
from jobs.cli import doctor
from jobs.cli.doctor import Finding, findings
from jobs.warehouse.storage import Warehouse
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows

pytestmark = pytest.mark.system  # it asks Java for its version


@pytest.fixture
def found(warehouse: Warehouse) -> Callable[..., dict[str, Finding]]:
    """`found()`: what the doctor says, by what was looked at."""
    return lambda of=None: {finding.what: finding for finding in findings(of or warehouse)}


def test_where_all_is_well_there_is_no_fault(found: Callable[..., dict[str, Finding]]) -> None:
    findings = found()
    assert {what: finding.fault for what, finding in findings.items() if finding.fault} == {}
    assert list(findings) == [
        "clout",
        *doctor.PACKAGES,
        "Java",
        "GraphFrames for the JVM",
        "Comet for Spark",
        "warehouse",
        "nightly sources",
        "methodology in force",
    ]
    assert findings["Java"].found.split(" at ")[0] in ("17", "21")
    assert findings["methodology in force"].found == "2026.11 from 2000-01-01; 2026.12.1 from 2026-12-01"


def test_the_days_of_the_warehouse_are_named_and_a_missing_warehouse_is_no_fault(
    found: Callable[..., dict[str, Finding]], warehouse: Warehouse, arrow_rows: ArrowRows, tmp_path: Path
) -> None:
    assert found()["warehouse"].found.startswith(f"{warehouse.root} (no day published yet, ")
    rows = arrow_rows(SCORES, [{}])
    warehouse.replace(SCORES, rows, {"day": rows["day"][0].as_py(), "methodology": "2026.11"}, run_id="r", job="j")
    assert found()["warehouse"].found.startswith(f"{warehouse.root} (days published: 1, 2026-11-03 to 2026-11-03, ")
    nowhere = Warehouse(str(tmp_path / "nowhere"))
    assert found(nowhere)["warehouse"] == Finding(
        "warehouse", f"{nowhere.root} (does not exist yet; `clout run` creates it)"
    )


@pytest.mark.parametrize(
    ("output", "finding"),
    [
        ('openjdk version "21.0.8" 2025-07-15 LTS', Finding("Java", "21 at {java}")),
        ('openjdk version "17.0.18" 2026-01-20', Finding("Java", "17 at {java}")),
        (
            'openjdk version "11.0.2"',
            Finding("Java", 'openjdk version "11.0.2"', f"Spark needs 17 or 21; {doctor.SET_UP}"),
        ),
        ("", Finding("Java", "does not start", f"Spark needs 17 or 21; {doctor.SET_UP}")),
    ],
)
def test_java_is_one_that_spark_runs_on(
    found: Callable[..., dict[str, Finding]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    output: str,
    finding: Finding,
) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\nprintf '{output}' >&2\n")
    java.chmod(0o755)
    monkeypatch.setattr(session, "java_home", lambda: str(tmp_path))
    assert found()["Java"] == Finding("Java", finding.found.format(java=java), finding.fault)


def test_it_says_why_comet_is_not_used(
    found: Callable[..., dict[str, Finding]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jar, settings = tmp_path / "comet.jar", tmp_path / "spark.conf"
    jar.touch()
    settings.write_text("")
    monkeypatch.setenv("CLOUT_COMET_JAR", str(jar))
    monkeypatch.setenv("CLOUT_SPARK_SETTINGS", str(settings))
    monkeypatch.setattr(comet, "obstacle", lambda: None)
    assert found()["Comet for Spark"] == Finding("Comet for Spark", "comet.jar")
    monkeypatch.setattr(comet, "obstacle", lambda: "the processor lacks avx2")
    assert found()["Comet for Spark"].found == "not used: the processor lacks avx2"
    settings.write_text("spark.comet.enabled false\n")
    assert found()["Comet for Spark"].found == f"switched off (spark.comet.enabled in {settings})"
    monkeypatch.delenv("CLOUT_COMET_JAR")
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setattr(doctor, "PACKAGES", ())
    assert found()["Comet for Spark"].found == "not installed: large days take longer"


def test_what_is_missing_says_what_to_do(
    found: Callable[..., dict[str, Finding]], warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sources = tmp_path / "sources.yaml"
    sources.write_text("- source: nonsense\n")
    monkeypatch.setenv("CLOUT_SOURCES", str(sources))
    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package",))
    monkeypatch.setattr(doctor, "LEAST_FREE_GB", 10**9)
    monkeypatch.setattr(session, "environment_folder", lambda: tmp_path)
    monkeypatch.setenv("CLOUT_GRAPHFRAMES_JARS", "/nowhere/x.jar")
    monkeypatch.setenv("CLOUT_COMET_JAR", "/nowhere/comet.jar")
    monkeypatch.setattr(session, "java_home", lambda: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(doctor, "in_force", list)
    faults = {what: finding.fault for what, finding in found().items()}
    assert re.search(r"sources\.yaml: .*entry 1 .*unknown type 'nonsense'", faults.pop("nightly sources") or "")
    assert faults == {
        "clout": None,
        "no-such-package": doctor.SET_UP,
        "Java": doctor.SET_UP,
        "GraphFrames for the JVM": "CLOUT_GRAPHFRAMES_JARS: /nowhere/x.jar: no such file; expected jars, with commas",
        "Comet for Spark": "CLOUT_COMET_JAR: /nowhere/comet.jar: no such file; expected a jar",
        "warehouse": "less than 1000000000 GB free where the warehouse is; free up space",
        "methodology in force": f"name one in {doctor.IN_FORCE_FILE}",
    }


def test_a_warehouse_that_cannot_be_read_is_a_fault(
    found: Callable[..., dict[str, Finding]], warehouse: Warehouse
) -> None:
    log = Path(warehouse.path(SCORES)) / "_delta_log"
    (log / "00000000000000000000.json").write_text("no JSON")
    finding = found()["warehouse"]
    assert finding.found == f"{warehouse.root} (unreadable)"
    assert finding.fault is not None
    assert finding.fault.startswith(f"{warehouse.path(SCORES)}: cannot be read as a Delta table (")


def test_a_torn_commit_is_a_fault_that_names_its_file_and_what_to_run(
    found: Callable[..., dict[str, Finding]], warehouse: Warehouse
) -> None:
    (Path(warehouse.path(RUNS)) / "_delta_log" / "00000000000000000000.json").write_bytes(b"")
    torn = found()["runs"]
    assert torn == Finding(
        "runs", "commit _delta_log/00000000000000000000.json is empty", "run `clout maintain --repair`"
    )
