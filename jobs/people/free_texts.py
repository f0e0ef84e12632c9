"""Texts that operators and jobs wrote, such as reasons and errors: puts `(erased)` in place of the names of people who left."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from jobs.people.finder import Finder
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


class Names:
    """Names to find in texts as whole words, in any case, and also as URLs and JSON encode them. Leaves out ordinary words."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {
            form.lower().encode("utf-8", "surrogatepass"): name
            for name in names
            if not is_ordinary(name)
            for form in _forms(name)
        }
        self.finder = Finder(self._names)

    def are_in(self, text: str) -> bool:
        """Whether the text holds one of the names."""
        return bool(self._in(text))

    def _in(self, text: str) -> set[str]:
        """The names that the text holds."""
        lower = text.lower().encode("utf-8", "surrogatepass")
        return {self._names[lower[start:end]] for start, end in self.finder.spans(lower)}

    def without(self, text: str) -> str:
        """The text with `(erased)` in place of the names. In JSON, only values change."""
        forms = sorted({form for name in self._in(text) for form in _forms(name)}, key=lambda form: (-len(form), form))
        sought = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, forms))})(?![\w-])", re.IGNORECASE | re.ASCII)
        if not forms or not sought.search(text):
            return text
        try:
            value = json.loads(text)
        except ValueError:
            return sought.sub(ERASED, text)
        return json.dumps(_value_without(value, sought), sort_keys=True)


def _forms(name: str) -> set[str]:
    return {name, quote(name, safe="", errors="replace"), json.dumps(name)[1:-1]}


def _value_without(value: Any, sought: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {key: _value_without(each, sought) for key, each in value.items()}
    if isinstance(value, list):
        return [_value_without(each, sought) for each in value]
    return sought.sub(ERASED, value) if isinstance(value, str) else value


def erase(warehouse: Warehouse, names: Names, run_id: str) -> int:
    """Erases the names, such as each person_id and handle of somebody who left. Keeps keys of JSON, and ordinary words, which
    name nobody here. Returns the number of changed rows."""
    return sum(_erase(warehouse, table, columns, names, run_id) for table, columns in TEXTS.items())


def _erase(warehouse: Warehouse, table: Table, columns: Sequence[str], names: Names, run_id: str) -> int:
    texts = warehouse.read(table, columns=[*table.grain, *columns])
    hits = sorted({row for name in columns for row in names.finder.rows(texts[name])})
    named = [
        row
        for row in texts.take(pa.array(hits, pa.int64())).to_pylist()
        if any(row[name] and names.without(row[name]) != row[name] for name in columns)
    ]
    if named:
        place = {name: tuple({row[name] for row in named}) for name in table.grain}  # may hold further rows, which stay
        erased = [
            row | {name: names.without(row[name]) for name in columns if row[name]}
            for row in warehouse.read(table, place).to_pylist()
        ]
        warehouse.replace_bookkeeping(table, rows(table, erased), place, run_id=run_id, job=JOB)
    return len(named)
