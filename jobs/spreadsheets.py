"""Text in CSV that no spreadsheet reads as a formula.

https://owasp.org/www-community/attacks/CSV_Injection. A person chooses a handle such as `=1+1`, and a spreadsheet would compute
it for anyone who opens the file. Such text gets a `'` before it, which spreadsheets do not show. Numbers stay as they are.
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
    """Returns the text, with a `'` before it if a spreadsheet would read it as a formula."""
    return "'" + value if value.startswith(FORMULA_STARTS) else value
