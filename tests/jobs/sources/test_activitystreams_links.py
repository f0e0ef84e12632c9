"""Links among the tags of content: quotes and mentions, and links that their author does not endorse."""

import pytest

from jobs.sources.page import Act
from tests.jobs.sources.activities import ANA, AUTHOR, BOS_NOTE, DAN, NOON, NOTE, POST, create, link


def test_quotes_by_links() -> None:
    quote = Act("quote", ANA, None, NOON, NOTE, BOS_NOTE)
    of_activitystreams = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
    for media_type in (of_activitystreams, "application/activity+json"):
        assert create(tag=[link(BOS_NOTE, media_type)]) == [AUTHOR, quote, POST]
    assert create(tag=[link(BOS_NOTE, of_activitystreams)], quoteUrl=BOS_NOTE) == [AUTHOR, quote, POST]  # one quote
    for other in ("text/html", "application/ld+json", None):
        assert create(tag=[link(BOS_NOTE, other)]) == [AUTHOR, POST]


@pytest.mark.parametrize("rel", ["nofollow", "noopener NoFollow", ["noopener", "nofollow"]])
def test_a_link_that_is_not_to_be_followed_is_no_act(rel: str | list[str]) -> None:
    quote = link(BOS_NOTE, "application/activity+json")
    mention = {"type": "Mention", "href": DAN}
    assert create(tag=[quote | {"rel": rel}, mention | {"rel": rel}]) == [AUTHOR, POST]
    endorsed = create(tag=[quote | {"rel": "noopener"}, mention | {"rel": 7}])
    assert [record.kind for record in endorsed if isinstance(record, Act)] == ["quote", "mention", "post"]
