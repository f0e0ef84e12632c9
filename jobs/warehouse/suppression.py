"""The table `suppressed`: recognizes accounts that left, by keyed hashes that name nobody.

`CLOUT_SUPPRESSION_KEYS` holds one or several secret keys of 64 hexadecimal digits, with commas, the newest first. New hashes
use the newest key; older keys are needed as long as the table holds hashes made with them, because nobody can compute these
anew without the ids."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote

import pyarrow as pa

from jobs.errors import UsageError
from jobs.warehouse.storage import Warehouse, rows
from schemas.suppressed import SUPPRESSED

JOB = "suppression"
VARIABLE = "CLOUT_SUPPRESSION_KEYS"
KEY = re.compile(r"[0-9a-f]{64}")
DIGEST_BYTES = 16
SHORTEST = 5  # bytes: a shorter id occurs in texts by accident, so only columns of ids are compared with it

# What may separate an id from other text of a line: JSON, URLs and addresses such as `user@host`.
_SEPARATORS = re.compile(r"""[\s"'<>(),;{}\[\]\\|]+""")
_KEY = re.compile(r'"[^"\\]*"\s*:')  # of JSON: nobody's name, even if somebody has the name `created_at`
_VALUE = re.compile(r'"([^"\\]+)"')
_PARTS = re.compile(r"[:/]")  # of a value such as `User talk:Jane Doe/Archive`
_INNER = re.compile(r"[/?#=&@]+")


def keys(variable: str = VARIABLE) -> dict[str, bytes]:
    """Key id -> key, the newest first; empty if the variable is not set. Raises `UsageError` if a key is malformed."""
    texts = [text.strip() for text in os.environ.get(variable, "").split(",") if text.strip()]
    if any(not KEY.fullmatch(text) for text in texts):
        raise UsageError(f"{variable}: each key must have 64 hexadecimal digits, as `openssl rand -hex 32` prints")
    return {hashlib.sha256(text.encode()).hexdigest()[:8]: bytes.fromhex(text) for text in texts}


def hashed(key: bytes, person: str) -> str:
    """The keyed hash of a person_id."""
    return hashlib.blake2b(person.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES, key=key).hexdigest()


@dataclass(frozen=True)
class Suppressed:
    """Who left: hashes, and the keys that made them. False if nobody left."""

    keys: Mapping[str, bytes] = field(default_factory=dict)
    hashes: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def __contains__(self, person: str) -> bool:
        return any(hashed(key, person) in self.hashes for key in self.keys.values())

    def among(self, platform: str, accounts: pa.Array) -> pa.BooleanArray:
        """Which of the accounts of a platform left; null for null."""
        encoded = accounts.dictionary_encode()
        left = [
            None if account is None else f"{platform}:{account}" in self for account in encoded.dictionary.to_pylist()
        ]
        return pa.array(left, pa.bool_()).take(encoded.indices)

    def is_named(self, platform: str, text: str) -> bool:
        """Whether the text, such as a line of JSON, names an account of the platform that left, by an id or a name of at least
        `SHORTEST` bytes."""
        return any(f"{platform}:{word}" in self for word in words(text) if not is_short(word))


def is_short(word: str) -> bool:
    """Whether the word occurs in texts by accident, such as the id `88`."""
    return len(word.encode("utf-8", "surrogatepass")) < SHORTEST


def words(text: str) -> set[str]:
    """Everything in a text that may be an account's id or name, without the keys of JSON: its quoted values, which may have
    spaces, and their parts; its words, whole and in the parts of URLs and addresses. As they are and in lower case, because
    most platforms ignore case in a name."""
    text = _KEY.sub(" ", text)
    values = set(_VALUE.findall(text))
    whole = {word for word in _SEPARATORS.split(text) if word}
    whole |= values | {part for value in values for part in _PARTS.split(value)}
    whole |= {word.rstrip(".:!") for word in whole} | {unquote(word) for word in whole}
    found = (
        whole | {part for word in whole for part in _INNER.split(word) if part} | {word.lstrip("@") for word in whole}
    )
    return found | {word.lower() for word in found}


def current(warehouse: Warehouse) -> Suppressed:
    """Who left. Raises `UsageError` if a key is missing: without it, people who left would come back."""
    recorded = warehouse.read(SUPPRESSED).to_pylist()
    if not recorded:
        return Suppressed()
    known = keys()
    missing = sorted({row["key_id"] for row in recorded} - set(known))
    if missing:
        raise UsageError(
            f"people left this warehouse, and {VARIABLE} lacks the keys {', '.join(missing)} that recognize them; set it first"
        )
    return Suppressed(known, frozenset(row["hash"] for row in recorded))


def record(warehouse: Warehouse, people: Iterable[str], *, at: datetime, run_id: str) -> int:
    """Adds the hashes of these people (`person_id`), made with the newest key, in one commit. Returns how many are new. Raises
    `UsageError` if there is no key."""
    known, present = keys(), current(warehouse)
    if not known:
        raise UsageError(
            f"set {VARIABLE} to a secret key first; `openssl rand -hex 32` prints one. Keep it: see"
            " infra/runbooks/leaving.md"
        )
    key_id, key = next(iter(known.items()))
    new = [
        {"hash": digest, "key_id": key_id, "recorded_at": at}
        for digest in sorted({hashed(key, person) for person in people if person not in present})
    ]
    if new:
        warehouse.append(SUPPRESSED, rows(SUPPRESSED, new), {}, run_id=run_id, job=JOB)
    return len(new)
