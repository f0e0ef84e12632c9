"""Text in CSV that no spreadsheet takes for a formula.

https://owasp.org/www-community/attacks/CSV_Injection. A handle such as `=1+1` is what its owner chose, and would be
computed by whoever opens the file. It gets a `'` before it, which spreadsheets do not show; numbers stay as they are.
"""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four are full-width


def harmless(value: str) -> str:
    return "'" + value if value.startswith(_STARTS) else value


class CsvWriter(pa.csv.CSVWriter):
    """Writes batches with every text harmless."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        columns = [_harmless(column) if pa.types.is_string(column.type) else column for column in batch.columns]
        super().write_batch(pa.record_batch(columns, schema=batch.schema))


def _harmless(column: pa.StringArray) -> pa.StringArray:
    first = pc.utf8_slice_codeunits(column, 0, 1)
    quoted = pc.binary_join_element_wise("'", column, "")
    return pc.if_else(pc.is_in(first, value_set=pa.array(_STARTS)), quoted, column)
