"""Reads objects of ActivityStreams 2.0 in all their notations: values, types, ids, authors, times and audiences.

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
NOFOLLOW = "nofollow"  # relation of a link that its author does not endorse
QUOTES = ("quote", "quoteUrl", "quoteUri", "_misskey_quote")  # FEP-044f and its predecessors

# Prefixes and URLs of the vocabulary, and of the extension that defines EmojiReact.
_VOCABULARIES = (
    *("https://www.w3.org/ns/activitystreams#", "http://www.w3.org/ns/activitystreams#", "as:"),
    *("https://litepub.social/ns#", "http://litepub.social/ns#", "litepub:"),
)
_PUBLIC = {*(f"{vocabulary}Public" for vocabulary in _VOCABULARIES[:3]), "Public"}
_AUDIENCE = ("to", "cc", "bto", "bcc")


def each(item: Any, name: str) -> Iterator[Any]:
    """A property's values, whether it holds none, one or a list. Omits null and empty text."""
    value = item.get(name) if type(item) is dict else None
    for one in value if type(value) is list else (value,):
        if one not in (None, ""):
            yield one


def types(item: Any) -> list[str]:
    """The short names of an object's types."""
    names = [name for key in ("type", "@type") for name in each(item, key) if type(name) is str]
    return [next((name.removeprefix(v) for v in _VOCABULARIES if name.startswith(v)), name) for name in names]


def identity(item: Any, what: str) -> str | None:
    """The id of an object that is embedded or given by its id; None if it has none. Raises `Rejected` if the value cannot be an
    id."""
    stated = item.get("id", item.get("@id")) if type(item) is dict else item
    return None if stated is None else account_id(stated, what)


def author(item: Any) -> str | None:
    """The id of the author that an embedded object names."""
    by = next((by for name in ("attributedTo", "actor") for by in each(item, name)), None)
    return identity(by, "author")


def instant(item: Any, name: str = "published") -> int | None:
    """The time in the property `name`, in microseconds since 1970; None if absent. Raises `Rejected` if the value is not a
    time."""
    stated = item.get(name) if type(item) is dict else None
    return None if stated is None else from_iso(stated)


def is_private(*items: Any) -> bool:
    """Whether the content is not public. The first of these objects that names an audience decides. If none does (as in most
    likes, follows and exports), the content counts as public."""
    for item in items:
        if type(item) is dict and any(item.get(name) is not None for name in _AUDIENCE):
            named = [one for name in (*_AUDIENCE, "audience") for one in each(item, name)]
            return not any((one.get("id") if type(one) is dict else one) in _PUBLIC for one in named if _is_name(one))
    return False


def _is_name(one: Any) -> bool:
    return type(one.get("id") if type(one) is dict else one) is str


def is_vote(item: Any) -> bool:
    """Whether this is a vote in a poll: a Note with a name and without content, in reply to the poll."""
    return (
        "Note" in types(item)
        and type(item.get("name")) is str
        and not item.get("content")
        and not item.get("contentMap")
        and next(each(item, "inReplyTo"), None) is not None
    )


def quoted(item: Any) -> list[Any]:
    """What an object quotes: by a property or, without one, by links to ActivityStreams objects (FEP-e232)."""
    named = [one for name in QUOTES for one in each(item, name)]
    links = [
        next(each(tag, "href"), None) for tag in links_of(item, "Link") if _is_activitystreams(tag.get("mediaType"))
    ]
    return named[:1] or links  # the properties all name the same quote


def links_of(item: Any, kind: str) -> Iterator[Any]:
    """The links of this type among the tags of an object, without those that its author does not endorse (`nofollow`)."""
    return (tag for tag in each(item, "tag") if kind in types(tag) and NOFOLLOW not in _relations(tag))


def _relations(link: Any) -> list[str]:
    return [word for value in each(link, "rel") if type(value) is str for word in value.lower().split()]


def _is_activitystreams(media_type: Any) -> bool:
    return type(media_type) is str and (
        media_type.startswith("application/activity+json")
        or (media_type.startswith("application/ld+json") and "https://www.w3.org/ns/activitystreams" in media_type)
    )
