"""Codes by which people prove that a consent is theirs -> rows of `consent`.

A code is a keyed hash of one person and one scope: it has no effect in anybody else's profile, and nobody without the key
can make one. `CLOUT_CONSENT_KEYS` holds one or several keys like `CLOUT_SUPPRESSION_KEYS`. New codes use the newest key; codes
of all its keys count.

A code gives consent when it appears. While it stays, it has no further effect: a statement that is recorded later by other
means, such as a refusal by letter, holds until the person removes the code and places one again. Only the code of a refusal
always counts. If a code disappears from a place that was read whole, or its account is deleted, the consent ends as by a
refusal: whoever removes the code no longer agrees.
"""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.codes import EVERYWHERE, VARIABLE, Seen
from jobs.errors import UsageError
from jobs.people import consent
from jobs.warehouse import runs, suppression
from jobs.warehouse.storage import Warehouse
from schemas.consent import CONSENT, NO, SCOPES

ORIGIN = "code"
REMOVED = "removed"
CASELESS = "github"  # the platform whose names are the same in any case

Said = Mapping[str, Any]  # a row of `consent`


def code(person: str, scope: str) -> str:
    """The code by which a person (`person_id`, of GitHub in any case) agrees to a scope, such as `clout-public-0123...`. Raises
    `UsageError` if there is no key, no such person_id or no such scope."""
    key = newest_key()
    consent.row(person, scope, date.min)  # refuses what is no person_id or scope
    return _code(key, as_pulled(person), scope)


def newest_key() -> bytes:
    """The key with which new codes are made. Raises `UsageError` if there is none."""
    known = suppression.keys(VARIABLE)
    if not known:
        raise UsageError(
            f"set {VARIABLE} to a secret key first; `openssl rand -hex 32` prints one. Pulls need it too: see"
            " infra/runbooks/consent.md"
        )
    return next(iter(known.values()))


def as_pulled(person: str) -> str:
    """The person_id as pulls write it: GitHub's is in lower case, because GitHub ignores the case of names."""
    return person.lower() if person.startswith(f"{CASELESS}:") else person


def _code(key: bytes, person: str, scope: str) -> str:
    return f"clout-{scope}-{suppression.hashed(key, f'{scope} {person}')}"


def scope_of(person: str, code: str) -> str | None:
    """The scope to which the person agrees by this code; None if it is not theirs, or made with a key that no longer counts."""
    scope = code.split("-")[1]
    keys = suppression.keys(VARIABLE).values()
    return scope if any(hmac.compare_digest(_code(key, person, scope), code) for key in keys) else None


def take(warehouse: Warehouse, platform: str, seen: Iterable[Seen], *, by: str, run_id: str) -> int:
    """Records what was seen of the platform's accounts, but nothing of people who left. Returns the number of new rows of
    `consent`; what was recorded before adds none."""
    left = suppression.current(warehouse)
    once = pc.field("origin") == ORIGIN
    known = set(warehouse.read(CONSENT, columns=["person_id"], where=once)["person_id"].to_pylist())
    found: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        person = f"{platform}:{one.account}"
        if (one.codes or person in known) and person not in left:
            found[person].append(one)
    theirs = pc.field("person_id").isin(pa.array(sorted(found), pa.string()))
    recorded: dict[str, list[Said]] = defaultdict(list)
    for row in warehouse.read(CONSENT, where=theirs).to_pylist():
        recorded[row["person_id"]].append(row)
    given = [row for person in sorted(found) for row in said(person, found[person], recorded[person])]
    if not given:
        return 0
    return consent.record(warehouse, given, at=runs.now(), by=by, origin=ORIGIN, run_id=run_id)


def said(person: str, seen: Iterable[Seen], recorded: Sequence[Said]) -> list[dict[str, Any]]:
    """The rows of `consent` to add for what was seen of one person. `recorded`: the person's rows so far. Ignores what was seen
    no later than the newest of these rows."""
    history = sorted(recorded, key=lambda each: each["recorded_at"])
    added = []
    for one in sorted(seen, key=lambda one: one.at):
        at = datetime.fromtimestamp(one.at / 1e6, UTC)
        change = None if history and at <= history[-1]["recorded_at"] else _change(person, one, history)
        if change:
            scope, evidence = change
            given = {"person_id": person, "scope": scope, "since": at.date(), "until": None}
            added.append(given | {"recorded_at": at, "origin": ORIGIN, "evidence": evidence})
            history.append(added[-1])
    return added


def _change(person: str, seen: Seen, history: Sequence[Said]) -> tuple[str, str] | None:
    """The scope to record for what was seen at a place, and its evidence; `NO` if the code is gone. None if nothing changed."""
    standing = _standing(history)
    scopes = {scope_of(person, code): where for code, where in sorted(seen.codes.items())}
    narrowest = next((scope for scope in SCOPES if scope in scopes), None)
    if narrowest is not None:
        is_repeated = standing.get(seen.place) == narrowest
        is_settled = is_repeated and (narrowest != NO or history[-1]["scope"] == NO)
        return None if is_settled else (narrowest, f"{seen.place}: {scopes[narrowest]}")
    places = standing if seen.place == EVERYWHERE else {seen.place} & set(standing)
    is_gone = seen.is_whole and any(standing[place] != NO for place in places)
    return (NO, f"{seen.place}: {REMOVED}") if is_gone else None


def _standing(history: Sequence[Said]) -> dict[str, str]:
    """Place -> scope of the code that is there, as far as it was recorded."""
    found: dict[str, str] = {}
    for row in history:
        if row["origin"] == ORIGIN:
            place, _, where = row["evidence"].partition(": ")
            if where != REMOVED:
                found[place] = row["scope"]
            elif place == EVERYWHERE:
                found.clear()
            else:
                found.pop(place, None)
    return found
