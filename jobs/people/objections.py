"""Objections: a person disputes an act by or towards them, or that an account is theirs. An operator answers."""

import uuid
from datetime import date, datetime
from typing import Any, NamedTuple

import pyarrow.compute as pc

from jobs.errors import UsageError
from jobs.people.erasure import by_platform
from jobs.warehouse import counted, objections
from jobs.warehouse.storage import Warehouse, rows
from schemas.activity import ACTIVITY
from schemas.objections import ACT, LINK, OBJECTIONS, OPEN, REJECTED, UPHELD

JOB = "objections"


def record(
    warehouse: Warehouse, person: str, activity_id: str, why: str, *, at: datetime, by: str, day: date | None = None
) -> str:
    """Records that the person (`person_id`) disputes an act (`activity_id`, of the UTC day if given). Returns the id of the
    objection. Raises `UsageError` if no such act by or towards the person counts."""
    ((platform, (account,)),) = by_platform([person]).items()
    now = counted.snapshot(warehouse)
    theirs = (pc.field("actor_id") == account) | (pc.field("target_id") == account)
    days = (day or date.min, day or date.max)
    found = counted.dataset(warehouse, ACTIVITY, now.activity, now.coverage, *days).to_table(
        columns=["day", "actor_id", "target_id"],
        filter=(pc.field("platform") == platform) & (pc.field("activity_id") == activity_id) & theirs,
    )
    acts = {(row["day"], row["actor_id"], row["target_id"]) for row in found.to_pylist()}
    if not acts:
        raise UsageError(f"activity: no act {activity_id!r} by or towards {person}; `clout explain --acts` lists acts")
    objection_id = uuid.uuid4().hex
    common = {
        "objection_id": objection_id, "kind": ACT, "person_id": person, "platform": platform, "activity_id": activity_id,
        "why": why, "state": OPEN, "recorded_at": at, "recorded_by": by,
    }  # fmt: skip
    new = [
        common | {"day": on, "src": f"{platform}:{actor}", "dst": f"{platform}:{target}"}
        for on, actor, target in sorted(acts)
    ]
    warehouse.append(OBJECTIONS, rows(OBJECTIONS, new), {}, run_id=objection_id, job=JOB)
    return objection_id


def record_link(warehouse: Warehouse, person: str, other: str, why: str, *, at: datetime, by: str) -> str:
    """Records that the person disputes owning the account `other`. Both are given as `person_id`. Returns the id of the
    objection. Raises `UsageError` if one of them is no person_id, or if both are the same."""
    if len({person, other}) < 2 or not by_platform([person, other]):
        raise UsageError(f"{other}: a link is of two accounts")
    objection_id = uuid.uuid4().hex
    row = {
        "objection_id": objection_id, "kind": LINK, "person_id": person, "platform": person.partition(":")[0], "day": at.date(),
        "src": person, "dst": other, "why": why, "state": OPEN, "recorded_at": at, "recorded_by": by,
    }  # fmt: skip
    warehouse.append(OBJECTIONS, rows(OBJECTIONS, [row]), {}, run_id=objection_id, job=JOB)
    return objection_id


def answer(warehouse: Warehouse, objection_id: str, text: str, *, upheld: bool, at: datetime, by: str) -> list[date]:
    """Records the answer, and whether the objection is upheld. Returns the days whose engagement must be counted again: the
    days of the disputed act if the answer changes whether it counts, else none. Raises `UsageError` if there is no such
    objection."""
    before = objections.current(warehouse, pc.field("objection_id") == objection_id)
    if not before:
        raise UsageError(
            f"objections: there is none with the id {objection_id!r}; `clout person objections` lists them"
        )
    state = UPHELD if upheld else REJECTED
    new = [row | {"state": state, "answer": text, "recorded_at": at, "recorded_by": by} for row in before]
    warehouse.append(OBJECTIONS, rows(OBJECTIONS, new), {}, run_id=objection_id, job=JOB)
    return sorted({row["day"] for row in before if row["kind"] == ACT and (row["state"] == UPHELD) != upheld})


class Made(NamedTuple):
    """An objection: who made it (`person_id`), when it was recorded, and when its newest answer was, None while it is open."""

    person_id: str
    recorded_at: datetime
    answered_at: datetime | None


def made(warehouse: Warehouse) -> list[Made]:
    """All objections, in the order in which they were recorded."""
    rows = warehouse.read(OBJECTIONS).sort_by("recorded_at").to_pylist()
    first = {row["objection_id"]: row for row in reversed(rows)}
    newest = {row["objection_id"]: row for row in rows}
    return [
        Made(first[key]["person_id"], first[key]["recorded_at"], None if row["state"] == OPEN else row["recorded_at"])
        for key, row in newest.items()
    ]


def of_person(warehouse: Warehouse, person: str) -> list[dict[str, Any]]:
    """The person's objections, for their explanation: the act or link, why, the state and the answer."""
    names = ("kind", *objections.ACT, "why", "state", "answer")
    return [
        {name: row[name] for name in names} for row in objections.current(warehouse, pc.field("person_id") == person)
    ]
