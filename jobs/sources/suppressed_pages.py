"""Filters pages and recorded items before they are written, so that they hold nothing about people who left.

Rows about other people stay. Where the id of their content names somebody who left, such as `owner/repository`, a token
replaces the name. The token is the same in every pull and in the rows that remain after an erasure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from jobs.sources.page import LEFT, Page
from jobs.warehouse.suppression import ERASED, Suppressed

NOTHING = pa.scalar(None, pa.string())


def pages(given: Iterable[Page], left: Suppressed) -> Iterator[Page]:
    """The pages without acts, accounts and faults of people who left."""
    return (without(page, left) for page in given) if left else iter(given)


def without(page: Page, left: Suppressed) -> Page:
    """The page without acts by or towards people who left, without their accounts, and without faults whose excerpt names one.
    Their content gets the author `LEFT`, so that acts about it are left out and do not count as unresolved. The counts of lines
    stay."""
    platform = page.platform

    def gone(batch: pa.RecordBatch, column: str) -> pa.BooleanArray:
        return pc.fill_null(left.among(platform, batch[column]), False)

    def rest(batch: pa.RecordBatch, *columns: str) -> pa.RecordBatch:
        for column in columns:
            batch = batch.filter(pc.invert(gone(batch, column)))
        return batch

    def changed(batch: pa.RecordBatch, column: str, texts: pa.Array) -> pa.RecordBatch:
        return batch.set_column(batch.schema.get_field_index(column), batch.schema.field(column), texts)

    def renamed(batch: pa.RecordBatch, *columns: str) -> pa.RecordBatch:
        for column in columns:
            batch = changed(batch, column, left.ids_without(platform, batch[column]))
        return batch

    def named(batch: pa.RecordBatch, column: str) -> pa.BooleanArray:
        return pa.array(
            [text is not None and left.is_named(platform, text) for text in batch[column].to_pylist()], pa.bool_()
        )

    acts = renamed(rest(page.acts, "actor_id", "target_id"), "activity_id", "object_id")
    authors = renamed(page.authors, "object_id")
    accounts = rest(page.accounts, "account_id")
    titles, excerpts, of_content = accounts["display_name"], acts["excerpt"], authors["account_id"]
    return replace(
        page,
        file=left.without(platform, page.file),
        acts=changed(acts, "excerpt", pc.if_else(named(acts, "excerpt"), ERASED, excerpts)),
        authors=changed(authors, "account_id", pc.if_else(gone(authors, "account_id"), LEFT, of_content)),
        undos=renamed(rest(page.undos, "actor_id"), "activity_id"),
        accounts=changed(accounts, "display_name", pc.if_else(named(accounts, "display_name"), NOTHING, titles)),
        faults=page.faults.filter(pc.invert(named(page.faults, "excerpt"))),
    )
