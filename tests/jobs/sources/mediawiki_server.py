"""A small MediaWiki site of made thanks and talk."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jobs.sources import mediawiki
from tests.jobs.sources.platform_server import Reply
from tests.jobs.sources.site_server import MIDNIGHT, TEXT, Act, Site, query_of

PEOPLE = ("Ana", "Bo D.", "\u05d0\u05d1", "Cy:De")


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _items(apart: int, namespace: int, make: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
    """Items from the day before until the day after; those of numbers 0, 1, ... are of the day."""
    return [
        {
            "ns": namespace,
            "title": f"Benutzer:{PEOPLE[number % 4]}",
            "user": PEOPLE[(number + 1 + number % 3) % 4],
            "timestamp": iso(MIDNIGHT + apart * number),
            "comment": TEXT,
        }
        | make(number)
        for number in range(-10, 86_400 // apart + 10)
    ]


THANKED = _items(1_200, 2, lambda number: {"logid": 700 + number, "type": "thanks", "action": "thank"})
TALK = _items(
    1_800,
    3,
    lambda number: {
        "revid": 9_000 + number,
        "title": f"Benutzer Diskussion:{PEOPLE[number % 4]}{'/Archiv' if number % 5 == 0 else ''}",
        "bot": number % 7 == 0,
    },
)


def answer(path: str, keeps: bool = True) -> Reply:
    """`keeps`: whether the recent changes reach back to the day."""
    where, query = query_of(path)
    assert where == "/w/api.php"
    assert (query["action"], query["formatversion"], query["maxlag"]) == ("query", "2", "5")
    name = query["list"]
    prefix = {"logevents": "le", "recentchanges": "rc", "allrevisions": "arv"}[name]
    assert {parameter for parameter in query if parameter.endswith("continue")} <= {"continue", f"{prefix}continue"}
    if query[f"{prefix}limit"] == "1":
        return Reply({"query": {name: [{"timestamp": iso(MIDNIGHT - 9 if keeps else MIDNIGHT + 9)}]}})
    items = THANKED if name == "logevents" else TALK
    found = [item for item in items if query[f"{prefix}start"] <= item["timestamp"] <= query[f"{prefix}end"]]
    first, size = int(query.get(f"{prefix}continue", "0|0").partition("|")[2]), int(query[f"{prefix}limit"])
    page = found[first : first + size]
    if name == "allrevisions":
        page = [
            {"pageid": 1, "ns": item["ns"], "title": item["title"]}
            | {"revisions": [{name: item[name] for name in ("revid", "user", "timestamp", "comment")}]}
            for item in page
        ]
    value: dict[str, Any] = {"query": {name: page}}
    if first + size < len(found):
        value["continue"] = {f"{prefix}continue": f"{found[first]['timestamp']}|{first + size}", "continue": "-||"}
    return Reply(value)


def _expected() -> dict[str, Act]:
    acts: dict[str, Act] = {}
    for kind, name, items in (("like", "log", THANKED), ("mention", "revision", TALK)):
        for item in items[10:-10]:
            target = item["title"].partition(":")[2].partition("/")[0]
            if target != item["user"]:
                acts[f"{name}-{item.get('logid', item.get('revid'))}"] = (kind, item["user"], target)
    return acts


SITE = Site(
    type="mediawiki",
    answer=answer,
    ask=lambda url: {"site": url},
    expected=_expected(),
    small={"PAGE_ITEMS": 20},
    module=mediawiki,
    again=2,  # a page, and how far the recent changes reach back
)


def error(code: object, headers: dict[str, str] | None = None) -> Reply:
    """A failure, as the API describes it."""
    return Reply({"error": {"code": code, "info": TEXT}}, 200, headers)
