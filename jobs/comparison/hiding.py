"""Hides figures of small groups in the tables of a comparison, by the rule of `jobs.small_groups`."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import CloutError
from jobs.small_groups import large

PARTS = ("rising", "falling", "far")  # counts of people inside a group
OF_ONE = ("largest_rise", "largest_fall")  # the move of one person
QUANTILES = {"low_move": 10, "median_move": 2, "high_move": 10}  # move -> one in how many moves at least as far


def of_whole(summary: pa.Table, min_group: int) -> pa.Table:
    """The row of `tables.summary`, with nulls for counts of too few people and for moves of one person. `top_kept` is also null
    if too few of the `top` people are not kept. Raises `CloutError` if there are holders, but fewer than `min_group`."""
    (holders,) = summary["holders"].to_pylist()
    if 0 < holders < min_group:
        raise CloutError(
            f"{holders} people hold attention, fewer than min_group ({min_group}), so no figures are shown"
        )
    for name in OF_ONE if min_group > 1 else ():
        summary = _with(summary, name, pa.nulls(summary.num_rows, summary[name].type))
    kept, top = summary["top_kept"], summary["top"]
    is_few = pc.or_(_is_few(kept, min_group), _is_few(pc.subtract(top, kept), min_group))
    return _without_few(_with(summary, "top_kept", pc.if_else(is_few, None, kept)), min_group)


def groups(table: pa.Table, min_group: int) -> pa.Table:
    """The rows of the groups that may be shown; `holders` is the size of a group. Counts of too few people within a group are
    null, and so is a quantile of their moves if too few people move at least as far."""
    table = table.filter(pa.array(large(table["holders"].to_pylist(), min_group), pa.bool_()))
    for name, one_in in QUANTILES.items() if min_group > 1 else ():
        is_few = pc.less(table["holders"], one_in * min_group)
        table = _with(table, name, pc.if_else(is_few, None, table[name]))
    return _without_few(table, min_group)


def counts(table: pa.Table, columns: Sequence[str], min_group: int) -> pa.Table:
    """All rows. Counts in these columns that may not be shown are null. The counts of one column are the groups of one
    whole."""
    for name in columns:
        is_shown = pa.array(large(table[name].to_pylist(), min_group), pa.bool_())
        table = _with(table, name, pc.if_else(is_shown, table[name], None))
    return table


def _without_few(table: pa.Table, min_group: int) -> pa.Table:
    for name in PARTS:
        table = _with(table, name, pc.if_else(_is_few(table[name], min_group), None, table[name]))
    return table


def _is_few(counts: pa.ChunkedArray, min_group: int) -> pa.ChunkedArray:
    return pc.and_(pc.greater(counts, 0), pc.less(counts, min_group))


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
