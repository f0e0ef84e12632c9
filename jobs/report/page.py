"""Pages of reports, and the files of a report.

A page needs no network and runs no script. It is deterministic: the same report gives the same bytes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from jobs.csv_writer import CsvWriter
from jobs.errors import UsageError
from jobs.files import appearing
from jobs.labels import plain
from jobs.report import drawing


def folder(to: Path) -> Path:
    """Creates the folder if it does not exist, and returns it. Raises `UsageError` if that fails."""
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{to}: cannot be a folder for the report ({error.strerror})") from error
    return to


def write(tables: Mapping[str, pa.Table], html: str, to: Path) -> Path:
    """Writes a CSV file per table and then `report.html` into the folder, each atomically. Returns the path of
    `report.html`."""
    for name, table in tables.items():
        with appearing(to / f"{name}.csv") as part, CsvWriter(part, table.schema) as writer:
            for batch in table.to_batches():
                writer.write_batch(batch)
    with appearing(to / "report.html") as part:
        part.write_text(html, encoding="utf-8")
    return to / "report.html"


def rendered(package: str, template: str, **values: Any) -> str:
    """A template from the folder `pages` of that package, as HTML. Escapes all text, such as names from platforms."""
    pages = Environment(
        loader=ChoiceLoader([PackageLoader(package, "pages"), PackageLoader("jobs.report", "pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"plain": plain, "share": share}
    colours = {"ink": drawing.INK, "grid": drawing.GRID, "rule": drawing.RULE}
    return pages.get_template(template).render(**colours, **values)


FEW = "too few to show"


def share(part: int | None, whole: int) -> str:
    """A share of people as text, in percent; `FEW` if the part is hidden. Rounding never shows a small share as none, nor a
    large one as all."""
    if part is None:
        return FEW
    value = part / whole if whole else 0.0
    if 0 < value < 0.001:
        return "under 0.1%"
    if 0.999 < value < 1:
        return "over 99.9%"
    return f"{value:.1%}" if 0 < value < 0.1 or 0.99 < value < 1 else f"{value:.0%}"
