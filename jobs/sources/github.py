"""github: named repositories, users and organizations of GitHub, through its API.

https://docs.github.com/rest/activity/events. A token (`CLOUT_CONNECTION_...`) is optional: without one GitHub allows 60
requests an hour, with one 5,000. GitHub's terms and its API terms apply; they forbid spam and the sale of personal data.

Two ways lead to the acts of a day:

1. **Events**, the newest first: of a repository, of what a user does in public, of an organization. GitHub lists the latest 300
   of the last 30 days, up to 6 hours late. `github_events` says what each becomes. A day pulled less than 6 hours after its end
   stays partial, and the first pull after these 6 hours asks again. If a list has not changed since a pull last read it, on
   this day or an earlier one, GitHub answers only that (`ETag`). Such an answer costs nothing of a token's rate limit, and the
   recorded events count.
2. **Lists** of a repository, if its events do not reach back to the day's start: issues and pull requests, comments on them,
   comments on code. They reach back for years. They are recorded as the events that reported the same acts, so an act has the
   same id in both ways and in GH Archive (`gharchive`), and counts once.

    list                   recorded as                      becomes
    issues                 IssuesEvent, PullRequestEvent    post, and mention of the repository's owner
    issues/comments        IssueCommentEvent                reply
    pulls/comments         PullRequestReviewCommentEvent    reply

A day that is read from these lists stays partial for good. Stars have no list any more (GitHub closed it in July 2026). Forks,
pushes, releases, reviews and comments on commits have lists, but these lack the id of the event, so such an act would count
twice beside GH Archive. Discussions are not in this API. For users and organizations there is no second way.

Since late 2025, events on pull requests do not name the author. If an event of the day lacks the author, the list of the
repository's issues names the author. The events of a user or an organization have no such list. The parameter `since` of the
lists compares the time of an item's last change. So clout reads from the oldest item that changed since the day began to the
first that was created after the day.

A renamed repository answers under its new name. Openings that GH Archive has under an old name have other ids, and count twice.
GitHub answers 404 for a repository or user that is gone or private; a private repository that the token may read is left out,
too. If a user is not there, clout asks for the user by the number in the user's recorded events. If that number has another
name, the user was renamed. If the number is not there either, the user was deleted or suspended, and the user's acts of the
`withdraw_days` before no longer count (`jobs.sources.live.withdrawals`). GitHub does not report that a comment or an issue was
deleted. Place: `OWNER/REPO`, a user's NAME, or `orgs/NAME`.
"""

import logging
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from jobs.errors import UsageError
from jobs.sources import github_events, github_profiles
from jobs.sources.github_unit import ORGANIZATION, Units, is_repository
from jobs.sources.live import roster
from jobs.sources.live.http import Api
from jobs.sources.live.population import Member
from jobs.sources.live.recording import Recording
from jobs.sources.live.settings import Ask, Members
from jobs.sources.live.source import LiveSource
from jobs.sources.page import Note

log = logging.getLogger(__name__)

PUBLIC = "https://api.github.com"
HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
KINDS = REPOSITORIES, USERS, ORGANIZATIONS = "repositories", "users", "organizations"

_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}(?:\[bot\])?")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


class GitHubAsk(Ask):
    """Names, or the paths of population files. `api`: the URL of the API."""

    repositories: Members = Field(default_factory=list)
    users: Members = Field(default_factory=list)
    organizations: Members = Field(default_factory=list)
    api: str = PUBLIC

    @model_validator(mode="after")
    def _names_something(self) -> "GitHubAsk":
        if not (self.repositories or self.users or self.organizations):
            raise ValueError("needs `repositories`, `users` or `organizations`")
        for kind in KINDS:
            asked = getattr(self, kind)
            for name in () if isinstance(asked, str) else asked:
                if wrong := _fault(kind, name):
                    raise ValueError(wrong)
        return self

    @classmethod
    def of_places(cls, places: Sequence[str]) -> dict[str, Any]:
        """Each place is `OWNER/REPO`, a user's name, or `orgs/NAME`."""
        found: dict[str, list[str]] = {kind: [] for kind in KINDS}
        for place in places:
            kind = REPOSITORIES if is_repository(place) else ORGANIZATIONS if "/" in place else USERS
            name = place.removeprefix(ORGANIZATION) if kind == ORGANIZATIONS else place
            if wrong := _fault(kind, name):
                raise UsageError(wrong)
            found[kind].append(name)
        return found


class GitHubSource(LiveSource):
    """Named repositories, users and organizations."""

    PLATFORM = "github"
    ASK = GitHubAsk
    REQUESTS, MINUTES = 4_000, 90  # of 5,000 requests an hour
    A_MEMBER = 4
    parse = staticmethod(github_events.parse)

    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests what the day's recordings lack. Units are independent of each other."""
        population = self.population(day, folder)
        notes = [population.change] if population.change else []
        token = self.optional_secret
        if token is None:
            log.info("connection %r is not set: GitHub allows 60 requests an hour, with a token 5,000", self.connection)
        headers = HEADERS | ({"authorization": f"Bearer {token}"} if token else {})
        with Api(self.ask.api, self.budget, headers=headers, connection=self.connection if token else None) as api:
            units = Units(api, day, _now(), has_token=token is not None, withdraw_days=self.settings.withdraw_days)

            def record(name: str, recording: Recording) -> None:
                if self.seeks_codes and "/" not in name:
                    github_profiles.keep(folder, api, name)
                units.record(name, recording)

            notes += roster.record(folder, population.names, "repositories and accounts", record)
        if units.early:
            notes.append(
                Note(f"GitHub lists events up to 6 hours late: pull again after {units.listed:%H:%M} UTC", partial=True)
            )
        return notes

    @property
    def pace(self) -> float:
        """60 requests a minute with a token, one without."""
        return 60 if self.optional_secret else 1

    def asked(self) -> list[Member]:
        """All members. Raises `UsageError` if a file holds a name of another form."""
        found: dict[str, Member] = {}
        for kind in KINDS:
            for member in self.members(getattr(self.ask, kind)):
                if wrong := _fault(kind, member.name):
                    raise UsageError(wrong)
                name = (ORGANIZATION if kind == ORGANIZATIONS else "") + member.name.lower()
                found.setdefault(name, member._replace(name=name))
        return list(found.values())


def _fault(kind: str, name: str) -> str | None:
    """Why this cannot be the name of a member of this kind; None if it can."""
    if (_REPOSITORY if kind == REPOSITORIES else _LOGIN).fullmatch(name):
        return None
    return f"{name!r} is no name on GitHub; expected OWNER/REPO, a user's NAME, or orgs/NAME"


def _now() -> datetime:
    return datetime.now(UTC)
