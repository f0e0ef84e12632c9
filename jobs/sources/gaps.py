"""What archives themselves are known to lack. No repair of ours brings it, so waiting or pulling again changes nothing."""

from datetime import date

# Of GH Archive, from this day on: igrigorik/gharchive.org issues 310 and 320, X-lab2017/open-digger issue 1787.
GH_ARCHIVE = {
    date(2025, 5, 23): "GH Archive lacks about 40 % of all events since 2025-05-23 (gharchive.org issues 310, 320)",
    date(2026, 2, 1): "GH Archive lacks more than 80 % of stars since 2026-02 (open-digger issue 1787)",
}


def is_lasting(reason: str | None) -> bool:
    """Whether all that `coverage.reason` says to be missing is what the archive itself lacks."""
    return reason is not None and set(reason.split("; ")) <= set(GH_ARCHIVE.values())
