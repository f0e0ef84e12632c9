"""The table `suppressed`: recognizes accounts that left, by keyed hashes that name nobody.

`CLOUT_SUPPRESSION_KEYS` holds one or several secret keys of 64 hexadecimal digits, separated by commas, the newest first. New
hashes use the newest key. An older key is needed as long as the table holds hashes made with it: without the ids, nobody can
compute these hashes again with another key."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import pyarrow as pa

from jobs.errors import UsageError
from jobs.warehouse import suppression_journal
from jobs.warehouse.names_in_text import Place, Role, is_ordinary, names, pieces, places, replaced, values
from jobs.warehouse.storage import Warehouse, rows
from jobs.warehouse.suppression_journal import Row
from schemas.suppressed import SUPPRESSED

JOB = "suppression"
VARIABLE = "CLOUT_SUPPRESSION_KEYS"
KEY = re.compile(r"[0-9a-f]{64}")
DIGEST_BYTES = 16
ERASED = "(erased)"  # in place of a text that named somebody
TOKEN = re.compile(r"left-([0-9a-f]{32})")  # in place of a name in other people's texts and ids of content
MOST_REMEMBERED = 200_000  # values, about 40 MB


def keys(variable: str = VARIABLE) -> dict[str, bytes]:
    """Key id -> key, the newest first; empty if the variable is not set. Raises `UsageError` if a key is malformed."""
    texts = [text.strip() for text in os.environ.get(variable, "").split(",") if text.strip()]
    if any(not KEY.fullmatch(text) for text in texts):
        raise UsageError(f"{variable}: each key must have 64 hexadecimal digits, as `openssl rand -hex 32` prints")
    return {hashlib.sha256(text.encode()).hexdigest()[:8]: bytes.fromhex(text) for text in texts}


def hashed(key: bytes, person: str) -> str:
    """The keyed hash of a person_id."""
    made = begun(key)
    made.update(person.encode("utf-8", "surrogatepass"))
    return made.hexdigest()


def begun(key: bytes) -> Any:
    """A keyed hash with no input yet."""
    return hashlib.blake2b(digest_size=DIGEST_BYTES, key=key)


@dataclass(frozen=True)
class Suppressed:
    """Who left: hashes, and the keys that made them. The object is false if nobody left."""

    keys: Mapping[str, bytes] = field(default_factory=dict)
    hashes: frozenset[str] = frozenset()
    # Platform -> pieces and names that name nobody who left.
    _nobody: dict[str, set[str]] = field(default_factory=dict, compare=False, repr=False)
    _platforms: dict[str, list[Any]] = field(default_factory=dict, compare=False, repr=False)

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def __contains__(self, person: str) -> bool:
        return self.hash_of(person) is not None

    def hash_of(self, person: str) -> str | None:
        """The hash by which the person is recognized; None if they did not leave. A token in place of their name holds this
        hash."""
        text = person.encode("utf-8", "surrogatepass")
        for begun in self._begun:
            made = begun.copy()
            made.update(text)
            if (digest := made.hexdigest()) in self.hashes:
                return digest
        return None

    @cached_property
    def _begun(self) -> list[Any]:
        """One empty hash per key. Copying a hash takes half as long as making one."""
        return [begun(key) for key in self.keys.values()]

    def among(self, platform: str, accounts: pa.Array) -> pa.BooleanArray:
        """For each account of a platform, whether it left or is a token in place of an account that left; null for null."""
        encoded = accounts.dictionary_encode()
        left = [
            None if account is None else self._is_left(platform, account) for account in encoded.dictionary.to_pylist()
        ]
        return pa.array(left, pa.bool_()).take(encoded.indices)

    def _is_left(self, platform: str, account: str) -> bool:
        token = TOKEN.fullmatch(account)
        return (token is not None and token[1] in self.hashes) or f"{platform}:{account}" in self

    def is_named(self, platform: str, text: str) -> bool:
        """Whether the text, such as a line of JSON, names one of the platform's accounts that left. `names_in_text` defines how
        a name is recognized."""
        return self._may_name(platform, text) and any(self._place(platform, *value) for value in values(text))

    def is_about(self, platform: str, line: str) -> bool:
        """Whether a whole value of the JSON line, not only a part of a value, names an account that left."""
        named = (self._place(platform, *value) for value in values(line)) if self._may_name(platform, line) else ()
        return any(place and place.is_whole for place in named)

    def without(self, platform: str, text: str) -> str:
        """The text, such as a line of JSON, with a token in place of each name of one of the platform's accounts that left. The
        same name always gets the same token."""
        if not self._may_name(platform, text):
            return text
        return replaced(text, lambda value, role: self._value_without(platform, value, role))

    def id_without(self, platform: str, value: str) -> str:
        """Like `without`, for an id of content, such as `owner/repository`."""
        return self._value_without(platform, value, Role.CONTENT) if self._may_name(platform, value) else value

    def name_without(self, platform: str, name: str) -> str | None:
        """Like `id_without`, for the name of a unit or of a population's member; None if the whole name is that of somebody who
        left."""
        place = self._place(platform, name, Role.CONTENT) if self._may_name(platform, name) else None
        return None if place and place.is_whole else self.id_without(platform, name)

    def ids_without(self, platform: str, ids: pa.Array) -> pa.Array:
        """`id_without` of each of the ids; null for null."""
        encoded = ids.dictionary_encode()
        without = [None if each is None else self.id_without(platform, each) for each in encoded.dictionary.to_pylist()]
        return pa.array(without, pa.string()).take(encoded.indices)

    def _value_without(self, platform: str, value: str, role: Role) -> str:
        while place := self._place(platform, value, role):
            name = next(each for each in (place.name, place.name.lower()) if f"{platform}:{each}" in self)
            value = f"{value[: place.start]}left-{self.hash_of(f'{platform}:{name}')}{value[place.end :]}"
        return value

    def _place(self, platform: str, value: str, role: Role) -> Place | None:
        """The place of the longest name in the value that is an account that left; None if the value holds no such name."""
        for place in places(value, role):
            if (place.is_certain or not is_ordinary(place.name)) and self._is_name(platform, place.name):
                return place
        return None

    def _may_name(self, platform: str, text: str) -> bool:
        """Whether the text may name somebody who left. For nearly all texts that do not, it returns False within a few
        microseconds."""
        nobody = self._nobody.setdefault(platform, set())
        if len(nobody) >= MOST_REMEMBERED:
            nobody.clear()
        for piece in pieces(text) - nobody:
            new = names(piece, nobody) - nobody
            if self._any_left(platform, new):
                return True
            nobody |= new
            nobody.add(piece)
        return False

    def _any_left(self, platform: str, names: set[str]) -> bool:
        texts = [name.encode("utf-8", "surrogatepass") for name in names.union(map(str.lower, names))]
        for of_platform in self._begun_for(platform):
            for text in texts:
                made = of_platform.copy()
                made.update(text)
                if made.digest() in self._digests:
                    return True
        return False

    def _begun_for(self, platform: str) -> list[Any]:
        """One hash per key, which has the platform's part of each person_id as input."""
        if platform not in self._platforms:
            self._platforms[platform] = [begun.copy() for begun in self._begun]
            for of_platform in self._platforms[platform]:
                of_platform.update(f"{platform}:".encode("utf-8", "surrogatepass"))
        return self._platforms[platform]

    @cached_property
    def _digests(self) -> frozenset[bytes]:
        return frozenset(map(bytes.fromhex, self.hashes))

    def _is_name(self, platform: str, name: str) -> bool:
        return self._any_left(platform, {name})


def current(warehouse: Warehouse) -> Suppressed:
    """Who left. Raises `UsageError` if a key is missing, or if the journal holds people whom the table lacks, as after a backup
    was restored: people who left would come back."""
    recorded, journal = warehouse.read(SUPPRESSED).to_pylist(), suppression_journal.read(warehouse)
    if lost := _hashes(journal) - _hashes(recorded):
        raise UsageError(
            f"{warehouse.root}: {len(lost):,} names of people who left are in {suppression_journal.path()} and not in"
            " `suppressed`: an older state of the warehouse was restored, or `clout person forget` was interrupted. Run `clout"
            f" person forget --replay {suppression_journal.path()}` first"
        )
    return _recognizing(recorded)


def recognized(warehouse: Warehouse) -> Suppressed:
    """Like `current`, but recognizes only people whose keys are set, and raises no errors about missing keys or the journal."""
    return Suppressed(keys(), frozenset(_hashes(warehouse.read(SUPPRESSED).to_pylist())))


def ever(warehouse: Warehouse) -> Suppressed:
    """Everybody who left by the table or by the journal. Raises `UsageError` if a key is missing."""
    return _recognizing([*warehouse.read(SUPPRESSED).to_pylist(), *suppression_journal.read(warehouse)])


def _recognizing(recorded: Sequence[Row]) -> Suppressed:
    if not recorded:
        return Suppressed()
    known = keys()
    missing = sorted({row["key_id"] for row in recorded} - set(known))
    if missing:
        raise UsageError(
            f"people left this warehouse, and {VARIABLE} lacks the keys {', '.join(missing)} that recognize them; set it first"
        )
    return Suppressed(known, frozenset(_hashes(recorded)))


def _hashes(recorded: Iterable[Row]) -> set[str]:
    return {row["hash"] for row in recorded}


def record(warehouse: Warehouse, people: Iterable[str], *, at: datetime, run_id: str) -> int:
    """Adds the hashes of these people (`person_id`), made with the newest key, to the journal and then, in one commit, to the
    table. Returns how many are new. Raises `UsageError` if there is no key."""
    (key_id, key), present = _newest_key(), ever(warehouse)
    new = [
        {"hash": digest, "key_id": key_id, "recorded_at": at}
        for digest in sorted({hashed(key, each) for person in people for each in _cases(person) if each not in present})
    ]
    replay(warehouse, [*suppression_journal.read(warehouse), *new], run_id=run_id)
    return len(new)


def hashes_of(warehouse: Warehouse, people: Iterable[str]) -> list[str]:
    """The hashes, sorted, by which these people (`person_id`) are recognized once they are recorded. Raises `UsageError` if
    there is no key."""
    (_, key), present = _newest_key(), ever(warehouse)
    return sorted({present.hash_of(person) or hashed(key, person) for person in people})


def _newest_key() -> tuple[str, bytes]:
    known = keys()
    if not known:
        raise UsageError(
            f"set {VARIABLE} to a secret key first; `openssl rand -hex 32` prints one. Keep it: see"
            " infra/runbooks/leaving.md"
        )
    return next(iter(known.items()))


def _cases(person: str) -> tuple[str, str]:
    """The person_id as given and with its name in lower case, because texts may have the name in any case."""
    platform, colon, name = person.partition(":")
    return person, f"{platform}{colon}{name.lower()}"


def replay(warehouse: Warehouse, given: Sequence[Row], *, run_id: str) -> int:
    """Adds to the journal all rows that it lacks, from the table and from the `given` journal. Then adds to the table the given
    rows that it lacks, in one commit, and returns how many these are."""
    recorded, journal = warehouse.read(SUPPRESSED).to_pylist(), suppression_journal.read(warehouse)
    suppression_journal.append(warehouse, _lacking(journal, [*recorded, *given]))
    new = _lacking(recorded, given)
    if new:
        warehouse.append(SUPPRESSED, rows(SUPPRESSED, new), {}, run_id=run_id, job=JOB)
    return len(new)


def _lacking(present: Iterable[Row], given: Iterable[Row]) -> list[Row]:
    missing = {row["hash"]: row for row in given}
    return [missing[digest] for digest in sorted(missing.keys() - _hashes(present))]
