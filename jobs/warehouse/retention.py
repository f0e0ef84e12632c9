"""How long things are kept, as properties of the tables: the one place that decides it, from `infra/nights.yaml`.

Replaced files are kept for `keep_replaced_days`, so that `clout restore` works within them, and the log a little longer. What
is published needs neither: it is on record in `publications`.
"""

from jobs.night_settings import Nights
from schemas.delta import STATISTICS
from schemas.table import Table

# The log must still name every file that is kept, also on the day on which it goes.
LOG_MARGIN_DAYS = 7


def properties(table: Table, kept: Nights) -> dict[str, str]:
    """The table's properties: the one place that decides how long replaced files and the log are kept."""
    return {
        "delta.deletedFileRetentionDuration": f"interval {kept.keep_replaced_days} days",
        "delta.logRetentionDuration": f"interval {kept.keep_replaced_days + LOG_MARGIN_DAYS} days",
        # Opening a table reads the newest checkpoint and every commit after it.
        "delta.checkpointInterval": "20",
        "delta.dataSkippingStatsColumns": ",".join(STATISTICS[table.name]),
        # Every reader works without them, and a deleted row is gone from the files.
        "delta.enableDeletionVectors": "false",
    }
