"""The command that keeps the tables of a warehouse in order."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import display
from jobs.cli_options import FLAG, Sample, Verbose, log, open_to_read

if TYPE_CHECKING:
    from jobs.maintain import Kept

Json = Annotated[bool, typer.Option("--json", metavar=FLAG, help="JSON instead of a table.")]


def maintain(as_json: Json = False, sample: Sample = False, verbose: Verbose = False) -> None:
    """Merge small files, remove what is no longer kept, and shorten the tables' logs. Nights may run meanwhile.

    `infra/nights.yaml` says how long things are kept.
    """
    from jobs import maintain as job
    from jobs import session
    from jobs.nights import nights
    from jobs.runs import Batch

    log(verbose)
    params = job.Params(now=datetime.now(UTC), nights=nights())
    found = list(job.run(open_to_read(sample), session.build, params, Batch(f"maintain {params.today}")))
    if as_json:
        display.print_json([asdict(kept) for kept in found])
    else:
        _print(found)


def _print(found: "list[Kept]") -> None:
    heads = {"files before": "files_before", "files": "files", "merged": "compacted", "removed": "removed",
             "expired days": "expired_days", "dead pulls": "dead_pulls"}  # fmt: skip
    cells = [[kept.table, *(f"{getattr(kept, name):,}" for name in heads.values())] for kept in found]
    notes = [[f"skipped a step: {kept.skipped}"] if kept.skipped else [] for kept in found]
    display.print_table("Maintenance", ("table", *heads), cells, ("table",), ("table", "files", "files before"), notes)
