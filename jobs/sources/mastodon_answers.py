"""What an answer of Mastodon's API must hold."""

from typing import Any

from jobs.sources.live.bodies import Answer
from jobs.sources.live.budget import ApiError
from jobs.sources.mastodon_people import text_id
from jobs.sources.values import within


def entities(answer: Answer) -> list[Any]:
    """The list of entities. Raises `ApiError` if the answer is no list."""
    if isinstance(answer.value, list):
        return answer.value
    raise ApiError("the instance does not answer as documented: expected a list")


def needed_text(answer: Answer, name: str) -> str:
    """A field of an account as text. Raises `ApiError` if it is missing."""
    if found := text_id(within(answer.value, name)):
        return found
    raise ApiError(f"the instance does not answer as documented: an account without `{name}`")
