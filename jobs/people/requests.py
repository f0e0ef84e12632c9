"""Requests of people to be forgotten or to get their data, and objections to be answered: recorded with their day, and due
`erase_by_days` later."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any

from jobs.errors import UsageError
from jobs.people import objections
from jobs.people.erasure import by_platform
from jobs.warehouse import suppression
from jobs.warehouse.storage import Warehouse, rows
from schemas.requests import EXPORT, FORGET, KINDS, REQUESTS

JOB = "requests"
OBJECTION = "objection"  # what a person asks by disputing an act or a link


@dataclass(frozen=True)
class Request:
    """A request as it is now. `kind`: a kind of the table `requests`, or `OBJECTION`. `who`: a `person_id`, or the hash of who
    asked to be forgotten. `due_on` is the last UTC day on which it is in time."""

    kind: str
    who: str
    asked_on: date
    due_on: date
    done_at: datetime | None

    def is_overdue(self, today: date) -> bool:
        """Whether the request is still open on a UTC day after `due_on`."""
        return self.done_at is None and today > self.due_on


def record(warehouse: Warehouse, kind: str, people: Sequence[str], asked_on: date, *, at: datetime, by: str) -> None:
    """Records that the people (`person_id`) ask. Raises `UsageError` if the kind is unknown, if one of the people is no
    person_id, or if people ask to be forgotten and no key is set to hash their ids."""
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is no kind of request; expected one of {', '.join(KINDS)}")
    by_platform(people)  # refuses what is no person_id
    new = [
        {"request_id": uuid.uuid4().hex, "kind": kind, "asked_on": asked_on, **_who(kind, person)} for person in people
    ]
    _append(warehouse, new, at, by)


def done(warehouse: Warehouse, kind: str, people: Iterable[str], *, at: datetime, by: str) -> None:
    """Records that the open requests of these people are done. For a person without one, records a request of this day that is
    done."""
    open_ = [row for row in _newest(warehouse) if row["done_at"] is None and row["kind"] == kind]
    new = []
    for person in people:
        whose = [_who(kind, person, key) for key in (suppression.keys() if kind == FORGET else [None])]
        theirs = [row for row in open_ if {"person_id": row["person_id"], "hash": row["hash"]} in whose]
        fresh = {"request_id": uuid.uuid4().hex, "kind": kind, "asked_on": at.date(), **_who(kind, person)}
        new += [row | {"done_at": at} for row in theirs or [fresh]]
    _append(warehouse, new, at, by)


def listed(warehouse: Warehouse, within_days: int) -> list[Request]:
    """All requests and objections, the oldest first. `within_days`: days from the day of a request to the last one in time."""
    asked = [
        (row["asked_on"], row["kind"], row["person_id"] or row["hash"], row["done_at"])
        for row in sorted(_newest(warehouse), key=lambda row: (row["recorded_at"], row["request_id"]))
    ]
    asked += [
        (made.recorded_at.date(), OBJECTION, made.person_id, made.answered_at) for made in objections.made(warehouse)
    ]
    within = timedelta(days=within_days)
    return [Request(kind, who, on, on + within, done_at) for on, kind, who, done_at in sorted(asked, key=itemgetter(0))]


def _newest(warehouse: Warehouse) -> list[dict[str, Any]]:
    found = warehouse.read(REQUESTS).sort_by("recorded_at").to_pylist()
    return list({row["request_id"]: row for row in found}.values())


def _who(kind: str, person: str, key_id: str | None = None) -> dict[str, str | None]:
    """The columns that say who asks. The hash is made with the key `key_id`, or with the newest key if None."""
    if kind == EXPORT:
        return {"person_id": person, "hash": None}
    keys = suppression.keys()
    if not keys:
        raise UsageError(f"set {suppression.VARIABLE} first: a request to be forgotten is recorded by a keyed hash")
    return {"person_id": None, "hash": suppression.hashed(keys[key_id or next(iter(keys))], person)}


def _append(warehouse: Warehouse, new: Sequence[dict[str, Any]], at: datetime, by: str) -> None:
    if new:
        stamped = [{"done_at": None} | row | {"recorded_at": at, "recorded_by": by} for row in new]
        warehouse.append(REQUESTS, rows(REQUESTS, stamped), {}, run_id=uuid.uuid4().hex, job=JOB)
