"""The table `methodologies`: the values under which scores were published. A version never changes its values."""

from jobs.errors import CloutError
from jobs.warehouse.publications import PUBLISH
from jobs.warehouse.runs import Run
from jobs.warehouse.storage import Warehouse, rows
from schemas.methodologies import METHODOLOGIES
from schemas.methodology import Methodology
from schemas.versions import in_force


def refuse_changed(warehouse: Warehouse, methodology: Methodology) -> None:
    """Raises `CloutError` if scores exist under this version with other values."""
    known = {row["version"]: row["fingerprint"] for row in warehouse.read(METHODOLOGIES).to_pylist()}
    if known.get(methodology.version, methodology.fingerprint) != methodology.fingerprint:
        raise CloutError(
            f"methodology {methodology.version}: its values differ from those under which scores were published; a version"
            " never changes: restore its file, and put the new values into a file of a new version"
        )


def record(warehouse: Warehouse, published: Methodology, row: Run) -> None:
    """Writes one row per version that has scores. A version's official days come from `in_force.yaml`."""
    known = {entry["version"]: entry for entry in warehouse.read(METHODOLOGIES).to_pylist()}
    wanted = {version: entry["fingerprint"] for version, entry in known.items()}
    wanted[published.version] = published.fingerprint
    days = {entry.version: entry for entry in in_force()}
    stated = [
        {
            "version": version,
            "fingerprint": fingerprint,
            "in_force_from": days[version].first_day if version in days else None,
            "in_force_to": days[version].last_day if version in days else None,
        }
        for version, fingerprint in sorted(wanted.items())
    ]
    for entry in stated:
        if entry != known.get(entry["version"]):
            table = rows(METHODOLOGIES, [entry])
            partition = {"version": entry["version"]}
            warehouse.replace_bookkeeping(METHODOLOGIES, table, partition, run_id=row.id, job=PUBLISH)
