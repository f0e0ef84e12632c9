"""Files of hours as GH Archive names them, each with one star in it."""

import gzip
from datetime import date

import orjson

DAY, NEXT_DAY = date(2024, 11, 3), date(2024, 11, 4)  # before the archive began to lack events


def hour(day: date, number: int) -> bytes:
    line = {
        "id": f"{day}-{number}",
        "type": "WatchEvent",
        "actor": {"login": "ana"},
        "repo": {"name": "bo/tool"},
        "created_at": f"{day}T{number:02}:30:00Z",
    }
    return gzip.compress(orjson.dumps(line) + b"\n", mtime=0)


def name(day: date, number: int) -> str:
    return f"{day}-{number}.json.gz"
