"""A warehouse that somebody wants to leave."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from jobs import leaving, pull_activity
from jobs.people.byte_search import Searched, Sought, traces
from jobs.places import landing
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.spec import parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.claims import CLAIMS
from schemas.consent import CONSENT
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.influence_by_account import INFLUENCE_BY_ACCOUNT
from schemas.links import LINKS
from schemas.lookups import LOOKUPS
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.objections import OBJECTIONS
from schemas.requests import REQUESTS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
BATCH = Batch("test")
LEAVER, HANDLE = "toots:https://example.org/users/leaver", "leaver_of_ulm"


def act(kind: str, actor: str, target: str, number: int) -> dict:
    content = {"id": f"https://example.org/notes/{number}", "attributedTo": f"https://example.org/users/{target}"}
    actor = f"https://example.org/users/{actor}"
    return {
        "type": kind,
        "id": f"{actor}/acts/{number}",
        "actor": actor,
        "published": f"{DAY}T09:00:00Z",
        "object": content,
    }


ACTS = [
    act("Like", "ana", "bo", 1),
    act("Like", "leaver", "bo", 2),
    act("Announce", "bo", "leaver", 3),
    act("Like", "cy", "ana", 4),
]
PERSON = {
    "type": "Update", "actor": "https://example.org/users/leaver", "published": f"{DAY}T08:00:00Z",
    "object": {"type": "Person", "id": "https://example.org/users/leaver", "preferredUsername": HANDLE},
}  # fmt: skip
UNRESOLVED = {
    "type": "Like",
    "actor": "https://example.org/users/leaver",
    "published": f"{DAY}T09:00:00Z",
    "object": "gone",
}


def pulling(warehouse: Warehouse, folder: Path) -> Callable[[], None]:
    """Pulls the day's acts of four people when called."""
    file = folder / "acts.jsonl"
    file.write_text("\n".join(map(json.dumps, [*ACTS, PERSON, UNRESOLVED])))
    (source,) = parse_specs([f"toots:activitystreams={file}"])

    def pulled() -> None:
        params = pull_activity.Params(source=source, first_day=DAY, last_day=DAY, max_reject_share=1)
        pull_activity.run(warehouse, params, BATCH)

    return pulled


def live_in(warehouse: Warehouse, pull: Callable[[], None], arrow_rows: ArrowRows) -> None:
    """Puts the leaver into every table, a recording, and files that were replaced."""
    pull()
    pull()  # leaves replaced files
    people = [LEAVER, "toots:https://example.org/users/bo"]
    for table in (INFLUENCE, SCORES):
        rows = arrow_rows(
            table, [{"person_id": who, "day": DAY, "handle": HANDLE if who == LEAVER else "bo"} for who in people]
        )
        warehouse.replace(table, rows, {"methodology": "2026.11", "day": DAY}, run_id="r", job="j")
    edges = [{"src": people[0], "dst": people[1], "day": DAY}, {"src": people[1], "dst": people[0], "day": DAY}]
    warehouse.replace(ENGAGEMENT, arrow_rows(ENGAGEMENT, edges), {"day": DAY}, run_id="r", job="j")
    weights = [
        {"month": DAY.replace(day=1), "basis": "b", **{name: edge[name] for name in ("src", "dst")}} for edge in edges
    ]
    warehouse.append(MONTHLY_WEIGHTS, arrow_rows(MONTHLY_WEIGHTS, weights), {}, run_id="r", job="j")
    part = arrow_rows(
        INFLUENCE_BY_ACCOUNT, [{"person_id": "web:ana", "account_id": LEAVER, "handle": HANDLE, "day": DAY}]
    )
    place = {"methodology": "2026.11", "day": DAY}
    warehouse.replace(INFLUENCE_BY_ACCOUNT, part, place, run_id="r", job="j")
    for table, row in (
        (CONSENT, {"person_id": LEAVER, "scope": "public"}),
        (CLAIMS, {"account": LEAVER, "kind": "profile", "value": "web:ana"}),
        (CLAIMS, {"account": "web:ana", "kind": "profile", "value": LEAVER}),
        (CLAIMS, {"account": "web:bo", "kind": "profile", "value": f"toots:{HANDLE}"}),
        (LINKS, {"account_a": LEAVER, "account_b": "web:ana", "said_by": LEAVER, "kind": "rel_me"}),
        (LOOKUPS, {"person_id": LEAVER}),
        (REQUESTS, {"person_id": LEAVER}),
        (OBJECTIONS, {"person_id": people[1], "src": LEAVER, "dst": people[1], "activity_id": f"{LEAVER[6:]}/acts/2"}),
    ):
        warehouse.append(table, arrow_rows(table, [row]), {}, run_id="r", job="j")
    recorded = Recording(landing(warehouse.root) / "toots" / str(DAY), "page")
    recorded.add(
        [{"by": "https://example.org/users/leaver"}, {"by": "https://example.org/users/ana"}], Cursor(None, True)
    )
    Recording(landing(warehouse.root) / "toots" / str(DAY), "https://example.org/users/leaver").add(
        [], Cursor(None, True)
    )


def named(warehouse: Warehouse) -> set[str]:
    """The tables and folders that still name the leaver."""
    root = Path(warehouse.root)
    sought = Sought([LEAVER], {"toots": [LEAVER.partition(":")[2], HANDLE]})
    return {trace.path.relative_to(root).parts[0] for trace in traces(root, sought, Searched())}


def forget(warehouse: Warehouse) -> dict:
    return leaving.forget(warehouse, leaving.Params(people=(LEAVER,), at=NOON), BATCH)
