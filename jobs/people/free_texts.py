"""Texts that operators and jobs wrote, such as reasons and errors: puts `(erased)` in place of the names of people who left."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from jobs.warehouse.names_in_text import is_ordinary
from jobs.warehouse.storage import Warehouse, rows
from jobs.warehouse.suppression import ERASED
from schemas.consent import CONSENT
from schemas.coverage import COVERAGE
from schemas.legal_bases import LEGAL_BASES
from schemas.links import LINKS
from schemas.lookups import LOOKUPS
from schemas.objections import OBJECTIONS
from schemas.publications import PUBLICATIONS
from schemas.requests import REQUESTS
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.table import Table

JOB = "erasure"

# Table -> columns with text or JSON.
TEXTS: Mapping[Table, Sequence[str]] = {
    RUNS: ("batch_key", "error", "parameters", "checks"),
    PUBLICATIONS: ("published_by", "why", "accepted"),
    RESTATEMENTS: ("why",),
    LEGAL_BASES: ("reason", "recorded_by"),
    CONSENT: ("origin", "evidence", "recorded_by"),
    COVERAGE: ("reason",),
    LINKS: ("why",),
    OBJECTIONS: ("why", "answer", "recorded_by"),
    REQUESTS: ("recorded_by",),
    LOOKUPS: ("looked_by", "why"),
}


def erase(warehouse: Warehouse, texts: Iterable[str], run_id: str) -> int:
    """Erases the texts, such as each person_id and name of somebody who left. Keeps keys of JSON, and ordinary words, which
    name nobody here. Returns the number of changed rows."""
    sought = pattern(texts)
    return sum(_erase(warehouse, table, columns, sought, run_id) for table, columns in TEXTS.items())


def pattern(texts: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds the texts as whole words, in any case, and also as URLs and JSON encode them. Leaves out ordinary
    words."""
    long = {text for text in texts if not is_ordinary(text)}
    forms = long | {quote(text, safe="") for text in long} | {json.dumps(text)[1:-1] for text in long}
    any_of = "|".join(map(re.escape, sorted(forms, key=lambda text: (-len(text), text)))) or r"(?!)"
    return re.compile(rf"(?<![\w-])(?:{any_of})(?![\w-])", re.IGNORECASE | re.ASCII)


def without(text: str, sought: re.Pattern[str]) -> str:
    """The text with `(erased)` in place of what is sought. In JSON, only values change."""
    if not sought.search(text):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return sought.sub(ERASED, text)
    return json.dumps(_value_without(value, sought), sort_keys=True)


def _value_without(value: Any, sought: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {key: _value_without(each, sought) for key, each in value.items()}
    if isinstance(value, list):
        return [_value_without(each, sought) for each in value]
    return sought.sub(ERASED, value) if isinstance(value, str) else value


def _erase(warehouse: Warehouse, table: Table, columns: Sequence[str], sought: re.Pattern[str], run_id: str) -> int:
    texts = warehouse.read(table, columns=[*table.grain, *columns]).to_pylist()
    named = [row for row in texts if any(row[name] and without(row[name], sought) != row[name] for name in columns)]
    if named:
        place = {name: tuple({row[name] for row in named}) for name in table.grain}  # may hold further rows, which stay
        erased = [
            row | {name: without(row[name], sought) for name in columns if row[name]}
            for row in warehouse.read(table, place).to_pylist()
        ]
        warehouse.replace_bookkeeping(table, rows(table, erased), place, run_id=run_id, job=JOB)
    return len(named)
