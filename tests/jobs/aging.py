"""Time that passes for a warehouse: every file and every instant in Delta's logs becomes older by some days."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

INSTANTS = {"commitInfo": "timestamp", "add": "modificationTime", "remove": "deletionTimestamp"}  # milliseconds


def age(root: str, by: timedelta) -> None:
    """Log clean-up looks at the age of log files, a vacuum at the instants of removals and the age of unknown files."""
    ms = by // timedelta(milliseconds=1)
    for path in sorted(Path(root).rglob("*"), reverse=True):  # a checksum, `.NAME.crc`, comes after its file
        if not path.is_file():
            continue
        modified_at = path.stat().st_mtime
        if path.parent.name == "_delta_log" and path.suffix == ".json":
            path.write_text("".join(_older(line, ms) for line in path.read_text().splitlines()))
        elif path.name.endswith(".checkpoint.parquet"):
            pq.write_table(_older_checkpoint(pq.read_table(path), ms), path)
        path.with_name(f".{path.name}.crc").unlink(missing_ok=True)  # Hadoop's checksum of what was there
        os.utime(path, (modified_at - by.total_seconds(),) * 2)


def _older(line: str, ms: int) -> str:
    action = json.loads(line)
    for name, instant in INSTANTS.items():
        if instant in action.get(name, {}):
            action[name][instant] -= ms
    return json.dumps(action) + "\n"


def _older_checkpoint(actions: pa.Table, ms: int) -> pa.Table:
    for name, instant in INSTANTS.items():
        if name in actions.column_names:
            place = actions.column_names.index(name)
            column = actions[name].combine_chunks()
            fields = {field.name: column.field(field.name) for field in column.type}
            fields[instant] = pc.subtract(fields[instant], ms)
            older = pa.StructArray.from_arrays(list(fields.values()), fields=list(column.type), mask=column.is_null())
            actions = actions.set_column(place, actions.field(place), older)
    return actions
