"""Posts that a forum deleted after they were recorded, by their members or by moderators."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jobs.sources.discourse_items import REGULAR
from jobs.sources.live.bodies import json_of
from jobs.sources.live.budget import ApiError
from jobs.sources.live.http import Api, ForbiddenError, NotThereError, WithheldError
from jobs.sources.live.recording import Recording
from jobs.sources.values import within


def deleted(api: Api, posts: Recording, page: Callable[[int], Sequence[Any]]) -> list[tuple[str, str]]:
    """The recorded posts of a day, each with its author, that are deleted by now. `page` gives the listed posts with ids below
    a number, newest first.

    A post that the list lacks is looked up, because it may only be in another category. A list that lacks more than half of the
    posts proves nothing.
    """
    recorded = _authors(map(json_of, posts.items))
    if not recorded:
        return []
    listed: dict[int, str] = {}
    before = max(recorded) + 1
    while before > min(recorded):
        found = page(before)
        ids = [number for each in found if type(number := within(each, "id")) is int]
        if not ids:
            break
        if min(ids) >= before:
            raise ApiError("the list of posts leads back to a page already read")
        listed |= _authors(found)
        before = min(ids)
    missing = [number for number in recorded if number not in listed]
    if 2 * len(missing) > len(recorded):
        return []
    return [(str(number), recorded[number]) for number in missing if _is_gone(api, number)]


def _is_gone(api: Api, number: int) -> bool:
    try:
        return _is_deleted(api.get(f"posts/{number}.json").value)
    except (ForbiddenError, WithheldError):
        return False
    except NotThereError:
        return True


def _is_deleted(post: Any) -> bool:
    """Whether the post is marked as deleted. A member's own deletion leaves a stub for a day."""
    return within(post, "user_deleted") is True or within(post, "deleted_at") is not None


def _authors(posts: Any) -> Mapping[int, str]:
    """The author of each post that is not deleted, by the post's id."""
    return {
        number: by
        for post in posts
        if type(number := within(post, "id")) is int
        and type(by := within(post, "username")) is str
        and within(post, "post_type") in (REGULAR, None)
        and not _is_deleted(post)
    }
