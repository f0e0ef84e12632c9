"""Activities of ActivityStreams 2.0 that several tests begin with."""

from datetime import UTC, datetime
from typing import Any

import orjson

from jobs.sources.activitystreams import parse
from jobs.sources.page import Act, Author, Record

NOON_TEXT = "2026-11-03T12:00:00Z"
NOON = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * 1_000_000
ANA, BO, CLEO, DAN = (f"https://{name}.example/" for name in ("ana", "bo", "cleo", "dan"))
NOTE, BOS_NOTE = f"{ANA}notes/1", f"{BO}notes/2"
LIKE = {"type": "Like", "id": f"{ANA}likes/1", "actor": ANA, "object": BOS_NOTE, "published": NOON_TEXT}
FOLLOW = LIKE | {"type": "Follow", "object": BO}
CREATE: dict[str, Any] = {
    "@context": "https://www.w3.org/ns/activitystreams",
    "type": "Create",
    "id": f"{ANA}creates/1",
    "actor": ANA,
    "published": NOON_TEXT,
    "object": {"type": "Note", "id": NOTE, "attributedTo": ANA},
}
RICH = {"inReplyTo": BOS_NOTE, "quoteUrl": f"{CLEO}notes/3", "tag": [{"type": "Mention", "href": DAN, "name": "@dan"}]}
AUTHOR, POST = Author(NOTE, ANA), Act("post", ANA, ANA, NOON, NOTE)


def parsed(activity: dict, **more: Any) -> list[Record]:
    return list(parse(orjson.dumps(activity | more)))


def create(**note: Any) -> list[Record]:
    return parsed(CREATE, object=CREATE["object"] | note)


def link(href: str, media_type: str | None, **more: Any) -> dict:
    return {"type": "Link", "mediaType": media_type, "href": href} | more


GROUP = "https://group.example/c/tools"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


def announced(activity: object, **more: Any) -> list:
    outer = {"type": "Announce", "id": f"{GROUP}/1", "actor": GROUP, "published": NOON_TEXT, "object": activity}
    return parsed(outer | {"to": [PUBLIC], "cc": [f"{GROUP}/followers"]} | more)
