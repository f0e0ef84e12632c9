"""Where a user of GitHub may place a code of consent: the bio, the README of the repository that has the user's name, and the
file names and descriptions of the user's newest public gists. The user's social accounts and website name accounts that the
user claims.

https://docs.github.com/rest/users, https://docs.github.com/rest/gists. A pull makes four requests for each user and day.
"""

import base64
import binascii
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jobs import claims
from jobs.sources.live import profiles
from jobs.sources.live.http import Api, NotThereError
from jobs.sources.live.profiles import Profile
from jobs.sources.values import within

GISTS = 100
MOST_SOCIAL = 100


def keep(folder: Path, api: Api, name: str) -> None:
    """Records the codes and claims of a user (a login in lower case), once a day. Records nothing for a user who is not there.
    Raises like `Api.get`."""
    user = quote(name)
    if profiles.is_kept(folder, name):
        return
    try:
        about = api.get(f"users/{user}")
    except NotThereError:
        return
    profile = Profile(name)
    profile.read("bio", [within(about.value, "bio")])
    profile.read("README", [_readme(api, user)])
    gists = api.get(f"users/{user}/gists", {"per_page": GISTS}).value
    for gist in gists if isinstance(gists, list) else ():
        files = within(gist, "files")
        profile.read("gist", [within(gist, "description"), *(files if isinstance(files, dict) else ())])
    profile.is_whole = isinstance(gists, list) and len(gists) < GISTS
    profile.claims = claims.naming([within(about.value, "blog"), *_social(api, user)])
    profile.keep(folder, name, about.at)


def _social(api: Api, user: str) -> list[Any]:
    """The URLs of the user's social accounts; none from a server that has no such list."""
    try:
        found = api.get(f"users/{user}/social_accounts", {"per_page": MOST_SOCIAL}).value
    except NotThereError:
        return []
    return [within(one, "url") for one in found] if isinstance(found, list) else []


def _readme(api: Api, user: str) -> Any:
    try:
        value = api.get(f"repos/{user}/{user}/readme").value
    except NotThereError:
        return None
    try:
        return base64.b64decode(within(value, "content") or "").decode("utf-8", "replace")
    except (TypeError, binascii.Error):
        return None
