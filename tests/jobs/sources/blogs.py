"""Blogs on loopback for tests of feeds: documents by path, as Atom."""

from datetime import UTC, date, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from jobs.sources.feeds import FeedsSource
from jobs.sources.live.budget import Budget
from jobs.sources.live.settings import Limits, Settings
from jobs.sources.page import Note
from tests.jobs.sources.platform_server import Platform, Reply

DAY = date(2026, 11, 3)
MIDNIGHT = int(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp())
T = MIDNIGHT * 1_000_000
TEXT = "what I wrote"
ATOM = "application/atom+xml; charset=utf-8"


def iso(hours: float) -> str:
    """Hours since the day's start."""
    return datetime.fromtimestamp(MIDNIGHT + hours * 3600, UTC).isoformat()


def entry(name: str, hours: float | None, inside: str = "") -> str:
    when = "" if hours is None else f"<published>{iso(hours)}</published>"
    link = f'<link href="/{name}"/>'
    return f"<entry><id>/{name}</id>{link}<title>{TEXT}</title><summary>{TEXT}</summary>{when}{inside}</entry>"


def author(url: str, name: str = "Ana") -> str:
    return f"<author><name>{name}</name><uri>{url}</uri><email>ana@example.org</email></author>"


def atom(*entries: str) -> bytes:
    names = 'xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0"'
    return f"<?xml version='1.0'?><feed {names}><title>{TEXT}</title>{''.join(entries)}</feed>".encode()


OLD = entry("old", -30)


class Blogs:
    """Documents by path. Each has an ETag, its host's clock is an hour after the day's end."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.url = platform.url
        self.documents: dict[str, Reply | bytes] = {}
        self.clock = MIDNIGHT + 25 * 3600
        self.not_modified = 0
        platform.answer = self.answer

    def answer(self, path: str) -> Reply:
        found = self.documents.get(path, Reply(b"", 404))
        headers = {"Date": format_datetime(datetime.fromtimestamp(self.clock, UTC), usegmt=True)}
        if isinstance(found, Reply):
            return found._replace(headers=headers | (found.headers or {}))
        tag = f'"{hash(found)}"'
        if self.platform.headers.get("if-none-match") == tag:
            self.not_modified += 1
            return Reply(b"", 304, headers)
        return Reply(found, 200, headers | {"ETag": tag, "Content-Type": ATOM})

    def asked(self) -> list[str]:
        return [path for path in self.platform.asked if path != "/robots.txt"]


def opened(blogs: Blogs, landing: Path, *paths: str, requests: int = 1000, **ask: Any) -> FeedsSource:
    named = [blogs.url + path for path in paths or ("/feed",)]
    return FeedsSource(
        Settings(
            id="blogs",
            landing=landing,
            ask={"feeds": named} | ask,
            limits=Limits(requests=requests),
            budget=lambda requests, minutes: Budget(requests, minutes, sleep=lambda _: None),
        )
    )


def pulled(source: FeedsSource, day: date = DAY) -> tuple[list[tuple[str, str, str]], list[Note]]:
    """Kind, actor and name of the day's acts, and the notes."""
    pages = list(source.pages(day, day))
    first = T + (day - DAY).days * 86_400_000_000
    acts = [act for page in pages for act in page.acts.to_pylist() if 0 <= act["occurred_at"] - first < 86_400_000_000]
    rows = [(act["kind"], act["actor_id"], act["activity_id"].rpartition("/")[2]) for act in acts]
    return sorted(rows), [note for page in pages for note in page.notes]
