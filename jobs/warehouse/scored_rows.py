"""The digest of a day's rows of `influence`, which ties the checks and a publication to the rows that were computed.

Data files never change. So rows whose files a run of the day has read are not read again: to read 20 million people takes 20
seconds.
"""

import json
from urllib.parse import unquote

from jobs.warehouse import digests
from jobs.warehouse.commits import Partition
from jobs.warehouse.runs import Run
from jobs.warehouse.storage import Warehouse
from schemas.influence import INFLUENCE
from schemas.runs import RUNS


def digest(warehouse: Warehouse, row: Run, partition: Partition, version: int | None = None) -> str | None:
    """Digest of the partition's rows at this version, the newest if None; None if it has no rows. Records it in the run's
    parameters, with the files that hold the rows."""
    version = warehouse.version(INFLUENCE) if version is None else version  # of the files and of the rows
    held = warehouse.intact_files(INFLUENCE, warehouse.delta(INFLUENCE, version), partition)
    files = digests.of_texts(sorted(map(unquote, held["path"].to_pylist())))
    runs = map(json.loads, warehouse.read(RUNS, {"day": row.day}, columns=["parameters"])["parameters"].to_pylist())
    known = {
        run[digests.INFLUENCE_FILES]: run.get(digests.INFLUENCE) for run in runs if run.get(digests.INFLUENCE_FILES)
    }
    found = known.get(files) or digests.of_stream(INFLUENCE, warehouse.reader(INFLUENCE, partition, version))
    row.parameters |= {digests.INFLUENCE: found, digests.INFLUENCE_FILES: files}
    return found
