"""Finds the people whom changes of consent since the last application may remove from published days, and the days published
since."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow.compute as pc

from jobs.errors import GoneError
from jobs.people.admission import Admission
from jobs.warehouse import runs
from jobs.warehouse.commits import Span
from jobs.warehouse.storage import Warehouse
from schemas.consent import CONSENT
from schemas.legal_bases import LEGAL_BASES
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from schemas.suppressed import SUPPRESSED

JOB = "consent_apply"
GROUNDS = (CONSENT, LEGAL_BASES, SUPPRESSED)
REMEMBERED = timedelta(days=40)  # how far back the last application is looked for
LONGEST_PUBLICATION = timedelta(days=1)  # between the decision whom to publish and its record

# People about whom a row was recorded since the last application, or whose `since` or `until` was reached since then.
_CHANGED = """
    select distinct person_id from (from now except all from earlier)
    union
    select person_id from now where (since > $last and since <= $today) or (until > $last and until <= $today)
"""


@dataclass(frozen=True)
class Applied:
    """The last complete application: its UTC day, the instant at which it began, and the version of each table of `GROUNDS`."""

    day: date
    began_at: datetime
    versions: dict[str, int]


def versions(warehouse: Warehouse) -> dict[str, int]:
    """The version of each table of `GROUNDS`."""
    return {table.name: warehouse.version(table) for table in GROUNDS}


def last(warehouse: Warehouse, today: date) -> Applied | None:
    """The last complete application. None if there is none of the UTC day `today` or up to `REMEMBERED` before it, or if the
    last one is of a later day."""
    days = Span(today - REMEMBERED, today + REMEMBERED)
    done = warehouse.read(RUNS, {"day": days, "job": JOB, "status": runs.DONE}).sort_by("started_at").to_pylist()
    if not done or done[-1]["day"] > today:
        return None
    return Applied(done[-1]["day"], done[-1]["started_at"], json.loads(done[-1]["inputs"]))


def taken_out(admission: Admission, since: Applied) -> set[str] | None:
    """The people (`person_id`) who may no longer be published. None if that may be anybody: somebody left, a legal basis began
    or ended, or the earlier rows of `consent` are no longer kept."""
    warehouse = admission.warehouse
    now = versions(warehouse)
    if any(now[table.name] != since.versions.get(table.name) for table in (LEGAL_BASES, SUPPRESSED)):
        return None
    try:
        changed = _changed(warehouse, since, admission)
    except GoneError:
        return None
    return changed - admission.named(changed)


def _changed(warehouse: Warehouse, since: Applied, admission: Admission) -> set[str]:
    from jobs.scratch import scratch

    with scratch() as db:
        db.register("now", warehouse.dataset(CONSENT, version=admission.version))
        db.register("earlier", warehouse.dataset(CONSENT, version=since.versions[CONSENT.name]))
        found = db.execute(_CHANGED, {"last": since.day, "today": admission.day}).fetchall()
    return {person for (person,) in found}


def published_since(warehouse: Warehouse, since: Applied) -> set[tuple[date, str]]:
    """Day and methodology of the publications that may have been decided before that application and made after it."""
    made = warehouse.read(PUBLICATIONS, columns=["day", "methodology", "published_at"])
    later = made.filter(pc.greater_equal(made["published_at"], since.began_at - LONGEST_PUBLICATION))
    return {(row["day"], row["methodology"]) for row in later.to_pylist()}
