"""Writes Arrow batches as CSV in which no spreadsheet reads text as a formula."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from jobs.spreadsheets import FORMULA_STARTS


class CsvWriter(pa.csv.CSVWriter):
    """A CSV writer that puts a `'` before every text that a spreadsheet would read as a formula."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Writes the batch, with a `'` before each text that begins like a formula."""
        columns = [_harmless(column) if pa.types.is_string(column.type) else column for column in batch.columns]
        super().write_batch(pa.record_batch(columns, schema=batch.schema))


def _harmless(column: pa.StringArray) -> pa.StringArray:
    first = pc.utf8_slice_codeunits(column, 0, 1)
    quoted = pc.binary_join_element_wise("'", column, "")
    return pc.if_else(pc.is_in(first, value_set=pa.array(FORMULA_STARTS)), quoted, column)
