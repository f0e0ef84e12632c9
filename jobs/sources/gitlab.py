"""gitlab: named projects and users of one GitLab site, through its API. The platform is the site's host, such as `gitlab.com`.

https://docs.gitlab.com/api/events/. A token (`CLOUT_CONNECTION_...`, scope `read_api`) is optional where the site shows its
projects to everybody; gitlab.com answers more requests with one. The site's terms apply. An account's id is its user name in
lower case, or the path of a group; times come from the site's clock.

    answer                                  becomes
    opened issue, merge request             post, and mention of the project's owner, if that is another account
    comment on an issue or merge request    reply to its author
    comment on a commit                     reply to the project's owner
    approval of a merge request             reply to its author
    award emoji on an issue or request      like of its author; a thumb down is ignored
    push, new project                       post
    all others                              ignored: closing, merging, joining, milestones, wiki pages; system notes

A pull reads the events of each project or user. Then it reads each issue and merge request that an event is about, because that
names its author. For projects it also reads award emoji, which have times: those on issues and merge requests with an event on
the day or in the `revisit_days` before it. Confidential issues and internal comments are ignored. With a token, which may show
more, a pull also reads each project, and leaves out those that are not public. A pull does not see stars, forks, emoji on
comments, or emoji on issues and merge requests without an event on those days. If a project is renamed, the site redirects to
its new name; ids of issues hold the number of the project, which stays.

If a user is not there, clout asks for the user by the number in the user's recorded events. If the number is not there either,
the user was deleted or blocked, and the user's acts of the `withdraw_days` before no longer count
(`jobs.sources.live.withdrawals`).

GitLab removes events after two or three years, so older days are partial for good. Days in `after` and `before` follow the
site's time zone, so a pull asks one day more on each side. A day can be pulled only after it has ended. Place:
`https://SITE/GROUP/PROJECT`, or `https://SITE/NAME` for a user.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import Field, model_validator

from jobs.errors import UsageError
from jobs.sources import gitlab_lines
from jobs.sources.gitlab_lines import AWARD, EVENT, THREAD, thread_of
from jobs.sources.live import roster, sites
from jobs.sources.live.budget import ApiError
from jobs.sources.live.departures import why_gone
from jobs.sources.live.http import Api, ForbiddenError, NotThereError
from jobs.sources.live.population import Member
from jobs.sources.live.recording import Cursor, Recording, kept
from jobs.sources.live.settings import Ask, Members, Settings
from jobs.sources.live.snapshots import end_of
from jobs.sources.live.source import LiveSource
from jobs.sources.page import DAY_US, Note, Rejected
from jobs.sources.spec import is_id
from jobs.sources.values import from_iso, json_object, within

PAGE_ITEMS = 100
PAGE_THREADS = 10  # issues and merge requests that are recorded together
MEMORY = timedelta(days=730)  # GitLab surely keeps events for this long
PRIVATE = "not public"
LOST = "GitLab may have removed events of so long ago"

_NAME = re.compile(r"\w[\w.-]{0,254}", re.ASCII)
_PROJECT = re.compile(r"\w[\w.-]{0,254}(?:/\w[\w.-]{0,254}){1,20}", re.ASCII)


class GitLabAsk(Ask):
    """`site`: the address of the site. `projects` (with the path of their group) and `users`: names, or the path of a
    population file."""

    site: str = "https://gitlab.com"
    projects: Members = Field(default_factory=list)
    users: Members = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_something(self) -> "GitLabAsk":
        if not (self.projects or self.users):
            raise ValueError("needs `projects` or `users`")
        _refuse_site(self.site)
        for asked, pattern in ((self.projects, _PROJECT), (self.users, _NAME)):
            for name in () if isinstance(asked, str) else asked:
                _refuse(name, pattern)
        return self

    @classmethod
    def of_places(cls, places: Sequence[str]) -> dict[str, Any]:
        """Each place is the address of a project or a user. All are of one site."""
        sites: set[str] = set()
        found: dict[str, list[str]] = {"projects": [], "users": []}
        for place in places:
            address = place if "://" in place else f"https://{place}"
            try:
                _refuse_site(address)
                parts = urlsplit(address)
                path = parts.path.strip("/")
                is_project = "/" in path
                _refuse(path, _PROJECT if is_project else _NAME)
            except ValueError as error:
                raise UsageError(str(error)) from None
            found["projects" if is_project else "users"].append(path)
            sites.add(f"{parts.scheme}://{parts.netloc.lower()}")
        if len(sites) != 1:
            raise UsageError("one source asks one site; give the others an ID of their own")
        return {"site": sites.pop(), **found}


class GitLabSource(LiveSource):
    """Named projects and users of one site."""

    PLATFORM = "gitlab.com"
    ASK = GitLabAsk
    REQUESTS, MINUTES = 5_000, 120
    A_MEMBER = 4  # with a token and one issue or merge request a day
    parse = staticmethod(gitlab_lines.parse)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.platforms = (urlsplit(self.ask.site).hostname,)

    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests what the day's recordings lack. Units are independent of each other."""
        now = datetime.now(UTC)
        if now.timestamp() * 1_000_000 < end_of(day):
            return [Note("GitLab is asked about a day after it has ended", partial=True, absent=True)]
        population = self.population(day, folder)
        notes = [population.change] if population.change else []
        token = self.optional_secret
        headers = {"private-token": token} if token else {}
        connection = self.connection if token else None
        with Api(f"{self.ask.site.rstrip('/')}/api/v4", self.budget, headers=headers, connection=connection) as api:
            units = _Units(api, day, self.settings, now, has_token=token is not None)
            notes += roster.record(folder, population.names, "projects and users", units.record)
        if self.ask.projects:
            first = day - timedelta(days=self.settings.revisit_days)
            reason = f"award emoji are those on issues and merge requests with events since {first}"
            notes.append(Note(reason, partial=False))
        return notes

    def asked(self) -> list[Member]:
        """All members. Raises `UsageError` if a file holds a name of another form."""
        found: dict[str, Member] = {}
        for asked, pattern in ((self.ask.projects, _PROJECT), (self.ask.users, _NAME)):
            for member in self.members(asked):
                try:
                    _refuse(member.name, pattern)
                except ValueError as error:
                    raise UsageError(str(error)) from None
                name = member.name.lower()
                found.setdefault(name, member._replace(name=name))
        return list(found.values())


class _Units:
    """The units of a day. A cursor holds the URL of the next page of events, or, after the last page, the number of recorded
    issues and merge requests. `has_token`: the API may also show projects that are not public."""

    def __init__(self, api: Api, day: date, settings: Settings, now: datetime, *, has_token: bool) -> None:
        revisit_days, self.withdraw_days = settings.revisit_days, settings.withdraw_days
        self.api = api
        self.day = day
        self.has_token = has_token
        self.public: dict[str, bool] = {}
        self.end = end_of(day)
        self.start = self.end - DAY_US
        self.first = self.start - revisit_days * DAY_US
        self.query = {
            "after": str(day - timedelta(days=revisit_days + 2)),
            "before": str(day + timedelta(days=2)),
            "sort": "asc",
            "per_page": PAGE_ITEMS,
        }
        is_old = now - datetime(day.year, day.month, day.day, tzinfo=UTC) > MEMORY
        self.missing = LOST if is_old else None

    def record(self, name: str, recording: Recording) -> None:
        """Records what is missing of a unit. Raises `DeletedError` for a deleted user."""
        at = recording.cursor.next
        if not isinstance(at, int):
            try:
                self._events(name, recording, at)
            except NotThereError as error:
                if not _is_user(name):
                    raise
                user = {"who": "author", "named": "username", "path": "users/{}"}
                raise why_gone(error, self.api, recording, self.withdraw_days, **user) from None
        self._threads(name, recording)

    def _events(self, name: str, recording: Recording, url: str | None) -> None:
        path = f"users/{name}/events" if _is_user(name) else f"projects/{quote(name, safe='')}/events"
        of = {} if _is_user(name) else {"project": name}
        if of and not self._is_public(name):
            recording.add([], Cursor(0, True, PRIVATE))
            return
        for answer in self.api.pages(url or path, None if url else self.query):
            if not isinstance(sites.ended(self.day, answer), list):
                raise ApiError(f"{name}: expected a list of events")
            times = [_at(item) for item in answer.value]
            events = [
                kept(item, EVENT) | of if isinstance(item, dict) else kept(item, EVENT)
                for item, time in zip(answer.value, times, strict=True)
                if (time is None or self.first <= time < self.end) and (of or self._is_shown(item))
            ]
            is_last = answer.next is None or max((time or 0 for time in times), default=0) >= self.end
            recording.add(events, Cursor(0 if is_last else answer.next))
            if is_last:
                return

    def _is_public(self, project: str) -> bool:
        """Whether everybody may see a project, given by its path or number. Raises `NotThereError`."""
        if self.has_token and project not in self.public:
            found = self.api.get(f"projects/{quote(project, safe='')}").value
            self.public[project] = within(found, "visibility") in (None, "public")  # the site may leave it out
        return self.public.get(project, True)

    def _is_shown(self, event: Any) -> bool:
        """Whether the project of a user's event is public."""
        project = str(within(event, "project_id"))
        try:
            return self._is_public(project)
        except NotThereError:
            self.public[project] = False
            return False

    def _threads(self, name: str, recording: Recording) -> None:
        """Records the issues and merge requests that the recorded events are about, and the emoji on those of a project."""
        wanted = self._wanted(recording, is_user=_is_user(name))
        done = recording.cursor.next
        while not recording.cursor.done:
            after = min(done + PAGE_THREADS, len(wanted))
            lines = [line for thread in wanted[done:after] for line in self._thread(thread, not _is_user(name))]
            is_last = after == len(wanted)
            recording.add(lines, Cursor(after, is_last, self.missing if is_last else None))
            done = after

    def _wanted(self, recording: Recording, *, is_user: bool) -> list[tuple[str, str, str]]:
        """Kind, project and number of each issue and merge request that the recorded events are about, in a fixed order. For a
        user, only events since the day's start count."""
        found = set()
        for line in recording.items:
            try:
                event = json_object(line)
                time = _at(event)
                thread = thread_of(event)
            except Rejected:
                continue
            if thread and time is not None and (time >= self.start or not is_user):
                found.add(thread)
        return sorted(found)

    def _thread(self, thread: tuple[str, str, str], with_awards: bool) -> list[Any]:
        kind, project, number = thread
        path = f"projects/{quote(project, safe='')}/{kind}/{quote(number, safe='')}"
        try:
            found = kept(self.api.get(path).value, THREAD)
            pages = self.api.pages(f"{path}/award_emoji", {"per_page": PAGE_ITEMS}) if with_awards else ()
            awards = [award for page in pages if isinstance(page.value, list) for award in page.value]
        except (NotThereError, ForbiddenError):
            return []  # confidential, moved, removed, or for members of the project only
        of_day = [award for award in awards if (time := _at(award)) is None or self.start <= time < self.end]
        about = {"kind": kind, "project": project, "number": number}
        return [{"thread": found, "about": about}, *({"award": kept(award, AWARD), "about": about} for award in of_day)]


def _is_user(name: str) -> bool:
    """Whether a unit is a user; a project's name begins with its group's name and `/`."""
    return "/" not in name


def _at(item: Any) -> int | None:
    try:
        return from_iso(within(item, "created_at"))
    except Rejected:
        return None


def _refuse_site(address: str) -> None:
    """Raises `ValueError` if this is no address of a site. The error does not quote it, because it may hold a password."""
    site = urlsplit(address)
    if site.scheme not in ("http", "https") or not is_id(site.hostname or "") or "@" in site.netloc:
        raise ValueError("site: expected an address, such as https://gitlab.com, without a name or password")


def _refuse(name: str, pattern: re.Pattern[str]) -> None:
    """Raises `ValueError` if this cannot be the name of a project, or of a user."""
    if not pattern.fullmatch(name) or ".." in name:
        raise ValueError(f"{name!r} is no name on GitLab; expected GROUP/PROJECT, or a user's NAME")
