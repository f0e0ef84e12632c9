"""Text in CSV that no spreadsheet takes for a formula.

https://owasp.org/www-community/attacks/CSV_Injection. A handle such as `=1+1` is what its owner chose, and would be
computed by whoever opens the file. It gets a `'` before it, which spreadsheets do not show; numbers stay as they are.
"""

FORMULA_STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)  # the last four are full-width


def harmless(value: str) -> str:
    return "'" + value if value.startswith(FORMULA_STARTS) else value
