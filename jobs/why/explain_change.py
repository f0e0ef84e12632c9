"""Explains why a person's score changed since an earlier day: reasons that sum to the change, and the people behind each
reason.

Reads one person's published rows of both days and the inputs of these rows. Writes nothing. `jobs.score_changes` computes the
reasons of all people at once.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.backends import duck
from jobs.days import ONE_DAY, days_between
from jobs.errors import CloutError
from jobs.people.admission import decide
from jobs.people.names import hidden
from jobs.warehouse import known_accounts, links
from jobs.warehouse.basis import Basis, refuse_other_data
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import covered_days
from jobs.why import reasons
from jobs.why.explain import PARTS, Explanation
from jobs.why.persons import of_accounts
from jobs.why.published import DUST, Params, Published, bases
from jobs.why.sensitivity import CODES, LINKED, METHODOLOGY
from schemas.influence import INFLUENCE
from schemas.methodology import Methodology
from schemas.scores import SCORES

NOTHING = dict.fromkeys(("score", "influence", *PARTS), 0.0)


def explained(warehouse: Warehouse, person: str, params: Params, top: int) -> Explanation:
    """The change of one person's score (`person` is a person_id), its reasons by size, and the `top` people behind each reason;
    people who may not be named are null.

    Raises `CloutError` if a day is not published, or if the tables no longer hold the inputs of the scores.
    """
    old, new = bases(warehouse, params)
    _refuse_withheld(warehouse, person, params)
    before = _row(warehouse, person, params.since_day, params.since_methodology)
    after = _row(warehouse, person, params.day, params.methodology)
    published = Published(*(np.array([row[name]]) for name in ("influence", "score") for row in (before, after)))
    mine, old_mine = (links.of_accounts(basis.day, warehouse, [person]) for basis in (new, old))
    accounts = {*mine.of(person), *old_mine.of(person)}
    with duck.database() as db:
        reasons.prepare_change(db, warehouse, old.under(warehouse, new.methodology), new)
        changes = reasons.pulled(db, new, sorted(accounts))
        persons, old_persons = (of_accounts(changes.accounts, people) for people in (mine, old_mine))
        me = pa.array([person])
        held, again = (
            float(each.values(me, reasons.held_before(db, changes, each))[0]) for each in (persons, old_persons)
        )
    actors, parts = reasons.of_person(changes, persons.of(person))
    whole = parts.sum(axis=0)
    whole[LINKED] = held - again
    if params.methodology != params.since_methodology:
        whole[METHODOLOGY] = again - float(published.old_influence[0])
    refuse_other_data(warehouse, new, published.old_influence + whole.sum(), published.influence)
    slope, rescaled = (float(value[0]) for value in published.points(params))
    people = changes.accounts.take(pa.array(actors)).to_pylist()
    moved = [
        _reason(code, people, parts[:, reason], float(whole[reason]), slope, rescaled * (reason == METHODOLOGY), top)
        for reason, code in enumerate(CODES)
    ]
    ranked = [reason for reason in moved if reason is not None]
    ranked.sort(key=lambda reason: (-abs(reason["points"]), -abs(reason["influence"])))
    named = {person["person_id"] for reason in ranked for person in reason["people"]}
    explanation = {
        "person_id": person,
        "day": params.day,
        "methodology": params.methodology.version,
        "since_day": params.since_day,
        "since_methodology": params.since_methodology.version,
        **{f"since_{name}": before[name] for name in NOTHING},
        **{name: after[name] for name in NOTHING},
        "accounts_gained": sorted({*mine.of(person)} - {*old_mine.of(person)}),
        "accounts_lost": len({*old_mine.of(person)} - {*mine.of(person)}),
        "reasons": ranked,
        "uncovered_days": _uncovered(warehouse, old, new, person),
        "handles": known_accounts.at_end_of(new.day, warehouse, new.now).handles(named | {person}),
    }
    return hidden(explanation, decide(warehouse, params.today))


def _refuse_withheld(warehouse: Warehouse, person: str, params: Params) -> None:
    """Raises `CloutError` if the person was scored on one of the days and not published."""
    for day, methodology in ((params.since_day, params.since_methodology), (params.day, params.methodology)):
        partition, who = {"methodology": methodology.version, "day": day}, pc.field("person_id") == person
        scored, published = (
            warehouse.read(table, partition, columns=["day"], where=who).num_rows for table in (INFLUENCE, SCORES)
        )
        if scored > published:
            raise CloutError(
                f"scores {day} ({methodology.version}): {person} has no score; `clout show {person}` lists the days with one"
            )


def _row(warehouse: Warehouse, person: str, day: date, methodology: Methodology) -> Mapping[str, Any]:
    """The person's published values, or zeros if the person has no row on that day."""
    partition = {"methodology": methodology.version, "day": day}
    rows = warehouse.read(SCORES, partition, columns=list(NOTHING), where=pc.field("person_id") == person).to_pylist()
    return rows[0] if rows else NOTHING


def _reason(
    code: str, people: list[str], worth: np.ndarray, whole: float, slope: float, rescaled: float, top: int
) -> Explanation | None:
    """One reason, the `top` people who contribute most to it, and the sum of the others; None if nothing exceeds `DUST`.

    `worth` is each person's contribution and `whole` the reason's sum, both in accounts' worth. `slope` is points per account's
    worth. `rescaled` adds the points due to another scale.
    """
    if max(abs(whole), abs(rescaled), *np.abs(worth)) <= DUST:
        return None
    moved = [k for k in range(len(people)) if abs(worth[k]) > DUST]
    order = sorted(moved, key=lambda k: (-abs(worth[k]), people[k]))
    named, others = order[:top], order[top:]
    rest = whole - float(worth[named].sum())
    return {
        "reason": code,
        "influence": whole,
        "points": whole * slope + rescaled,
        "people_count": len(moved),
        "people": [
            {"person_id": people[k], "influence": float(worth[k]), "points": float(worth[k] * slope)} for k in named
        ],
        "others": {"people": len(others), "influence": rest, "points": rest * slope},
    }


def _uncovered(warehouse: Warehouse, since: Basis, now: Basis, person: str) -> dict[str, list[date]]:
    """The person's platform -> its uncovered days after the earlier day, up to and including the later day; empty if none."""
    platform = person.partition(":")[0]
    covered = now.covered.get(platform, set())
    if since.day < now.first_day:  # `now` holds only the days of its own window
        covered = covered | covered_days(warehouse, since.day, now.first_day, now.now.coverage).get(platform, set())
    missing = [day for day in days_between(since.day + ONE_DAY, now.day) if day not in covered]
    return {platform: missing} if missing else {}
