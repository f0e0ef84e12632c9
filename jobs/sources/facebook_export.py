"""facebook-export: what a person did on Facebook, from the person's own download of "your information" as JSON, unpacked.

https://www.facebook.com/help/212802592074644. A place is the folder of the download, or a file in it. The source reads
`profile_information.json`, which says whose download it is, and the files of `FILES`. An account's id is the address of its
profile; the type `facebook` has other ids. The download gives acts no ids, so an act's id is derived from its person and
second.

    entry                               becomes
    post with text or media             post
    comment by the person               post, and unresolved: the reply's target is a name in a title
    comment by another person           unresolved
    reaction                            unresolved
    audience other than `Public`        ignored
    other entry of the list of posts    ignored: it only reports, such as "saved a seller"

Only a title says whom a comment or reaction was about, such as "Ana commented on Bo Berg's post", in the language of the
person. Several people may have that name, people change their names, and a name would give one person the influence of another.
So titles are not read, and a download adds no influence to anybody: it shows how much the person wrote and did. A download
writes each byte of a text as an escape of its own; the source repairs this. Neither texts, titles nor names of other people are
kept.

The format is known from public descriptions, not from an actual download. Not confirmed are: the field `privacy` of posts,
which most entries lack, in languages other than English; comments of other people in `comments.json`; the address of the post
in newer lists of reactions (`label_values`), which might identify the post's author. Groups, messages and friends are not read.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from jobs.errors import UsageError
from jobs.sources.facebook import FacebookSource
from jobs.sources.files import existing
from jobs.sources.lines import Line, pages, remade, values
from jobs.sources.page import Account, Act, Ignored, Page, Record, Rejected, Unresolved
from jobs.sources.values import (
    NO_TIME,
    account_id,
    dated,
    derived_id,
    from_seconds,
    json_object,
    shown,
    within,
)

PLATFORM = FacebookSource.PLATFORM
FILES = {
    "comments.json": "comment",
    "likes_and_reactions*.json": "reaction",
    "posts_and_comments.json": "reaction",  # until 2022
    "your_posts*.json": "post",
}
PROFILE = "profile_information.json"
FOLDERS = ("personal_information/profile_information", "profile_information")  # of the profile; the second until 2023
PUBLIC = "Public"
TARGET_NAMED = "target is known by name only"
ACTOR_NAMED = "actor is known by name only"


def parse(owner: str, line: bytes) -> Sequence[Record]:
    """One stripped entry of the download of the account `owner` -> its records."""
    entry = json_object(line)
    at = None if entry.get("timestamp") is None else from_seconds(entry["timestamp"])
    with dated(at):
        if entry.get("privacy") not in (None, PUBLIC):
            return (Ignored(at),)
        kind, own = entry.get("kind"), entry.get("own")
        if kind not in FILES.values():
            raise Rejected("entry is neither a post, a comment nor a reaction")
        if at is None:
            return (Unresolved(NO_TIME, None),)
        wrote = Act("post", owner, owner, at, derived_id(owner, owner, at))
        if kind == "post":
            return (wrote if own is True else Ignored(at),)
        if kind == "comment":
            return (Unresolved(TARGET_NAMED, at), wrote) if own is True else (Unresolved(ACTOR_NAMED, at),)
        return (Unresolved(TARGET_NAMED, at),)


def repaired(text: Any) -> Any:
    """The text whose bytes were each written as a character. A text of another form, or another value, stays unchanged."""
    try:
        return text.encode("latin-1").decode() if type(text) is str else text
    except UnicodeError:
        return text


def stripped(entry: Any, kind: str, name: str) -> dict[str, Any]:
    """The parts of an entry that `parse` reads; `name` is that of the download's person. The part `own` says whether this
    person wrote the comment, or whether the post has text or media."""
    if type(entry) is not dict:
        return {"unreadable": type(entry).__name__}
    kept = {"kind": kind} | {key: entry[key] for key in ("timestamp", "privacy") if key in entry}
    details = _list(entry.get("data"))
    if kind == "comment":
        authors = {repaired(shown(within(each, "comment", "author"))) for each in details}
        kept["own"] = authors == {name}
    elif kind == "post":
        attached = [each for one in _list(entry.get("attachments")) for each in _list(within(one, "data"))]
        kept["own"] = any(within(each, "post") is not None for each in details) or any(
            within(each, "media") is not None for each in attached
        )
    return kept


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _read(kind: str, name: str, stream: BinaryIO) -> Iterator[Line]:
    """The entries of a file, stripped."""
    return remade(values(stream), lambda entry: [stripped(entry, kind, name)])


class FacebookExportSource:
    """Unpacked downloads, each of its own person."""

    platforms = (PLATFORM,)

    def __init__(self, source_id: str, places: Sequence[str]) -> None:
        self.exports = [_Export(Path(place).expanduser()) for place in places]

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Yields the pages of all files, each read once, whatever days they hold."""
        for export in self.exports:
            yield from export.pages()


class _Export:
    """One download, or one file of it. Raises `UsageError` if it holds nothing to read or does not say whose it is."""

    def __init__(self, place: Path) -> None:
        found = sorted(place.rglob("*.json")) if place.is_dir() else existing([str(place)])
        kinds = [(path, kind) for path in found for pattern, kind in FILES.items() if fnmatch(path.name, pattern)]
        if not kinds:
            raise UsageError(
                f"{place}: expected an unpacked download, as JSON, or one of its files: {', '.join(FILES)}"
            )
        self._files = kinds
        path = _profile(place)
        try:
            profile = within(json_object(path.read_bytes()), "profile_v2")
            self._id = account_id(within(profile, "profile_uri"))
            self._name: str = repaired(account_id(within(profile, "name", "full_name")))
            self._handle = shown(within(profile, "username"))
        except (OSError, Rejected):
            raise UsageError(f"{path}: expected the profile of the download's person, `profile_v2`") from None

    def pages(self) -> Iterator[Page]:
        """The pages of all files. Each entry gives an account row: the download states no other time at which the person had
        this name."""
        for path, kind in self._files:
            yield from pages(PLATFORM, [path], self._parse, partial(_read, kind, self._name))

    def _parse(self, line: bytes) -> Sequence[Record]:
        records = parse(self._id, line)
        at = next((each.occurred_at for each in records if isinstance(each, Act | Unresolved)), None)
        return (*records, Account(self._id, at, handle=self._handle, display_name=self._name))


def _profile(place: Path) -> Path:
    """The file of the profile in this folder, or in the nearest folder above that holds one."""
    folders = [place, *place.absolute().parents]
    candidates = [folder / name / PROFILE for folder in folders for name in FOLDERS]
    return next((path for path in candidates if path.is_file()), candidates[0])
