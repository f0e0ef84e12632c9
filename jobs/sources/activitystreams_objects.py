"""Objects of ActivityStreams 2.0 in the many ways to write them: values, types, ids, authors, times, who may see them.

https://www.w3.org/TR/activitystreams-core/, https://www.w3.org/TR/activitystreams-vocabulary/.
"""

from collections.abc import Iterator
from typing import Any

from jobs.sources.values import account_id, from_iso

AUTOMATED = {"Application", "Service"}
ACTORS = {"Group", "Organization", "Person", *AUTOMATED}
CONTENT = {
    *("Article", "Audio", "Document", "Event", "Image", "Note", "Object", "Page", "Place", "Profile", "Relationship"),
    *("Tombstone", "Video", "Link", "Mention", "Collection", "OrderedCollection", "CollectionPage"),
    "OrderedCollectionPage",
}
QUOTES = ("quote", "quoteUrl", "quoteUri", "_misskey_quote")  # FEP-044f and what came before it

# Prefixes and addresses of the vocabulary and of the extension that EmojiReact comes from.
_VOCABULARIES = (
    *("https://www.w3.org/ns/activitystreams#", "http://www.w3.org/ns/activitystreams#", "as:"),
    *("https://litepub.social/ns#", "http://litepub.social/ns#", "litepub:"),
)
_PUBLIC = {*(f"{vocabulary}Public" for vocabulary in _VOCABULARIES[:3]), "Public"}
_AUDIENCE = ("to", "cc", "bto", "bcc")


def each(item: Any, name: str) -> Iterator[Any]:
    """A property's values: none, one, or a list of them."""
    value = item.get(name) if type(item) is dict else None
    for one in value if type(value) is list else (value,):
        if one not in (None, ""):
            yield one


def types(item: Any) -> list[str]:
    """The short names of an object's types."""
    names = [name for key in ("type", "@type") for name in each(item, key) if type(name) is str]
    return [next((name.removeprefix(v) for v in _VOCABULARIES if name.startswith(v)), name) for name in names]


def identity(item: Any, what: str) -> str | None:
    """The id of what is embedded or named; `None` where it has none. Raises `Rejected` where it cannot be one."""
    told = item.get("id", item.get("@id")) if type(item) is dict else item
    return None if told is None else account_id(told, what)


def author(item: Any) -> str | None:
    """Who an embedded object says it is by."""
    by = next((by for name in ("attributedTo", "actor") for by in each(item, name)), None)
    return identity(by, "author")


def instant(item: Any, name: str = "published") -> int | None:
    """Microseconds; `None` where it is not told. Raises `Rejected` where it is no time."""
    told = item.get(name) if type(item) is dict else None
    return None if told is None else from_iso(told)


def is_private(*items: Any) -> bool:
    """Whether what is said is not for everybody. The first of these objects that names an audience decides; one that names
    none (as of most likes and follows, and of exports) is taken for public."""
    for item in items:
        if type(item) is dict and any(item.get(name) is not None for name in _AUDIENCE):
            named = [one for name in (*_AUDIENCE, "audience") for one in each(item, name)]
            return not any((one.get("id") if type(one) is dict else one) in _PUBLIC for one in named if _is_name(one))
    return False


def _is_name(one: Any) -> bool:
    return type(one.get("id") if type(one) is dict else one) is str


def is_vote(item: Any) -> bool:
    """A vote in a poll: a Note with a name and without content, in reply to the poll."""
    return (
        "Note" in types(item)
        and type(item.get("name")) is str
        and not item.get("content")
        and not item.get("contentMap")
        and next(each(item, "inReplyTo"), None) is not None
    )


def quoted(item: Any) -> list[Any]:
    """What an object quotes, by a property or, where it has none, by links to ActivityStreams objects (FEP-e232)."""
    named = [one for name in QUOTES for one in each(item, name)]
    links = [
        next(each(tag, "href"), None)
        for tag in each(item, "tag")
        if "Link" in types(tag) and _is_activitystreams(tag.get("mediaType"))
    ]
    return named[:1] or links  # the properties are names of one quote


def _is_activitystreams(media_type: Any) -> bool:
    return type(media_type) is str and (
        media_type.startswith("application/activity+json")
        or (media_type.startswith("application/ld+json") and "https://www.w3.org/ns/activitystreams" in media_type)
    )
