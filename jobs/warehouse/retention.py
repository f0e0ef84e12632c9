"""Retention of replaced files and logs, as table properties set from `infra/nights.yaml`.

Replaced files are kept for `keep_replaced_days`; `clout restore` needs them if `influence` no longer holds the rows. The log is
kept a little longer. Published scores need neither: `publications` records them.
"""

from typing import TYPE_CHECKING

from schemas.delta import STATISTICS
from schemas.table import Table

if TYPE_CHECKING:
    from jobs.night_settings import Nights

# The log must name every kept file until the file is removed.
LOG_MARGIN_DAYS = 7


def properties(table: Table, kept: "Nights") -> dict[str, str]:
    """The table's properties. Only this function decides how long replaced files and the log are kept."""
    return {
        "delta.deletedFileRetentionDuration": f"interval {kept.keep_replaced_days} days",
        "delta.logRetentionDuration": f"interval {kept.keep_replaced_days + LOG_MARGIN_DAYS} days",
        # Opening a table reads the newest checkpoint and every commit after it.
        "delta.checkpointInterval": "20",
        "delta.dataSkippingStatsColumns": ",".join(STATISTICS[table.name]),
        # Not every reader supports deletion vectors, and with them deleted rows stay in the files.
        "delta.enableDeletionVectors": "false",
    }
