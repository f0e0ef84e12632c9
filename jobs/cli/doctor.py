"""Checks the installation: packages, Java, the warehouse, the nightly sources and the methodology in force."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from jobs import __version__, comet, session
from jobs.errors import CloutError
from jobs.places import sources_file
from jobs.sources.entries import enabled_sources
from jobs.warehouse import damage
from jobs.warehouse.storage import Warehouse
from schemas.scores import SCORES
from schemas.versions import FOLDER, IN_FORCE, MethodologyError, in_force

SET_UP = "run `bash infra/run.sh`, which sets up what is missing"
PACKAGES = ("apache-airflow", "pyspark", "deltalake", "pyarrow", "numba", "duckdb")
LEAST_FREE_GB = 2
IN_FORCE_FILE = FOLDER / IN_FORCE


@dataclass(frozen=True)
class Finding:
    """The result of one check of the installation. `fault` says what is wrong or how to fix it. It is None if nothing is wrong;
    an optional part that is not installed is no fault."""

    what: str
    found: str
    fault: str | None = None


def findings(warehouse: Warehouse) -> Iterator[Finding]:
    """Yields a finding for each package, for Java, GraphFrames, Comet, the warehouse, each damaged file of its tables, the
    nightly sources and the methodology in force. Changes nothing."""
    yield Finding("clout", f"{__version__}, Python {platform.python_version()}, {os.cpu_count()} cores")
    for name in PACKAGES:
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, "missing", SET_UP)
    yield _java()
    yield _graphframes()
    yield _comet()
    yield _warehouse(warehouse)
    for torn in damage.find(warehouse):
        yield Finding(torn.table, f"{torn.kind} {torn.path} {torn.fault}", "run `clout maintain --repair`")
    try:
        enabled = ", ".join(spec.id for spec in enabled_sources(sources_file())) or "none"
        yield Finding("nightly sources", f"{enabled} ({sources_file()})")
    except CloutError as error:
        yield Finding("nightly sources", "unreadable", str(error))
    try:
        found = "; ".join(f"{entry.version} from {entry.first_day}" for entry in in_force())
        yield Finding("methodology in force", found or "none", None if found else f"name one in {IN_FORCE_FILE}")
    except MethodologyError as error:
        yield Finding("methodology in force", "unreadable", str(error))


def _java() -> Finding:
    home = session.java_home()
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not java:
        return Finding("Java", "missing", SET_UP)
    output = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(\d+)[^"]*"', output)
    if match and match[1] in ("17", "21"):
        return Finding("Java", f"{match[1]} at {java}")
    return Finding("Java", output.splitlines()[0] if output else "does not start", f"Spark needs 17 or 21; {SET_UP}")


def _graphframes() -> Finding:
    try:
        frames = session.graphframes_jars()
    except CloutError as error:
        return Finding("GraphFrames for the JVM", "missing", str(error))
    return Finding(
        "GraphFrames for the JVM", Path(frames[0]).name if frames else "not installed: engine `graphframes` is off"
    )


def _comet() -> Finding:
    what = "Comet for Spark"
    try:
        jar = comet.jar()
        if jar is None:
            return Finding(what, "not installed: large days take longer")
        if session.settings().get(comet.ENABLED) == "false":
            return Finding(what, f"switched off ({comet.ENABLED} in {session.settings_file()})")
    except CloutError as error:
        return Finding(what, "missing", str(error))
    obstacle = comet.obstacle()
    return Finding(what, f"not used: {obstacle}" if obstacle else Path(jar).name)


def _warehouse(warehouse: Warehouse) -> Finding:
    try:
        if not warehouse.exists():
            return Finding("warehouse", f"{warehouse.root} (does not exist yet; `clout run` creates it)")
        warehouse.require_current()
    except CloutError as error:
        return Finding("warehouse", f"{warehouse.root} (made by another version of clout, or unreadable)", str(error))
    try:
        days = sorted({partition["day"] for partition in warehouse.partitions(SCORES)})
    except CloutError as error:
        return Finding("warehouse", f"{warehouse.root} (unreadable)", str(error))
    state = f"days published: {len(days)}, {days[0]} to {days[-1]}" if days else "no day published yet"
    fault = None
    if warehouse.is_local:
        free = shutil.disk_usage(warehouse.root).free / 1e9
        state += f", {free:,.0f} GB free"
        if free < LEAST_FREE_GB:
            fault = f"less than {LEAST_FREE_GB} GB free where the warehouse is; free up space"
        elif not os.access(warehouse.root, os.W_OK):
            fault = "not writable for you; set CLOUT_WAREHOUSE to a folder that is"
    return Finding("warehouse", f"{warehouse.root} ({state})", fault)
