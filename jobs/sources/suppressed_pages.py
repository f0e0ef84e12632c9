"""Takes people who left out of pages and recorded items, before anything of them is written."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from jobs.sources.page import Page
from jobs.warehouse.suppression import Suppressed


def pages(given: Iterable[Page], left: Suppressed) -> Iterator[Page]:
    """The pages without acts, accounts and faults of people who left."""
    return (without(page, left) for page in given) if left else iter(given)


def without(page: Page, left: Suppressed) -> Page:
    """The page without acts by or towards people who left, without their accounts, and without faults whose excerpt names one.
    The counts of lines stay."""

    def rest(batch: pa.RecordBatch, *columns: str) -> pa.RecordBatch:
        for column in columns:
            gone = left.among(page.platform, batch[column])
            batch = batch.filter(pc.invert(pc.fill_null(gone, False)))
        return batch

    quoted = [text is not None and left.is_named(page.platform, text) for text in page.faults["excerpt"].to_pylist()]
    acts = rest(page.acts, "actor_id", "target_id")
    # Without a target, the act becomes a fault whose excerpt may name the author.
    named = [text is not None and left.is_named(page.platform, text) for text in acts["excerpt"].to_pylist()]
    return replace(
        page,
        acts=acts.filter(pa.array([not is_named for is_named in named], pa.bool_())),
        authors=rest(page.authors, "account_id"),
        undos=rest(page.undos, "actor_id"),
        accounts=rest(page.accounts, "account_id"),
        faults=page.faults.filter(pa.array([not is_quoted for is_quoted in quoted], pa.bool_())),
    )
