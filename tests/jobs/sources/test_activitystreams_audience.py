"""Groups that announce activities, and whom an activity is sent to: what counts, and for whom."""

from typing import Any

import pytest

from jobs.sources.page import Account, Act, Ignored, Rejected, Undo
from tests.jobs.sources.activities import (
    ANA,
    AUTHOR,
    BO,
    BOS_NOTE,
    CLEO,
    CREATE,
    FOLLOW,
    GROUP,
    LIKE,
    NOON,
    NOON_TEXT,
    NOTE,
    PUBLIC,
    RICH,
    announced,
    create,
    parsed,
)


@pytest.mark.parametrize("activity", [CREATE, CREATE | {"object": CREATE["object"] | RICH}, LIKE, FOLLOW])
def test_a_group_hands_an_activity_on_which_counts_as_what_it_is_by_its_own_actor(activity: dict[str, Any]) -> None:
    assert announced(activity) == parsed(activity)  # with the same id, so that both ways count once
    assert announced([activity]) == parsed(activity)
    relayed = {"type": "Announce", "actor": BO, "object": activity}
    assert announced(relayed) == parsed(activity)
    untimed = {key: value for key, value in activity.items() if key != "published"}
    assert announced(untimed) == parsed(activity)  # it happened when it was announced


@pytest.mark.parametrize("name", ["Block", "Update", "Dislike", "Flag", "Add", "Remove", "Bite"])
def test_what_a_group_hands_on_lifts_nobody_where_it_scores_nothing(name: str) -> None:
    act = LIKE | {"type": name, "object": {"type": "Note", "id": BOS_NOTE, "attributedTo": BO}}
    (ignored,) = announced(act)
    assert isinstance(ignored, Ignored)


@pytest.mark.parametrize("name", ["Undo", "Delete"])
def test_what_a_group_hands_on_takes_back_its_own_actor_s_act_only(name: str) -> None:
    by_author = {"type": name, "actor": ANA, "object": LIKE["id"]}
    assert announced(by_author) == [Undo(LIKE["id"], ANA, NOON), Ignored(NOON)]
    moderator = announced(by_author | {"actor": CLEO})
    assert moderator == [Undo(LIKE["id"], CLEO, NOON), Ignored(NOON)]  # of which Cleo has none


def test_an_announcement_of_content_is_a_reshare_also_by_a_group() -> None:
    for content in ({"type": "Page", "id": BOS_NOTE, "attributedTo": BO}, {"type": "Question", "id": BOS_NOTE}):
        assert announced(content) == [Act("reshare", GROUP, content.get("attributedTo"), NOON, f"{GROUP}/1", BOS_NOTE)]


def test_what_is_handed_on_again_and_again_is_rejected() -> None:
    activity: dict[str, Any] = LIKE
    for _ in range(4):
        activity = {"type": "Announce", "actor": GROUP, "object": activity}
    with pytest.raises(Rejected, match="activity is handed on too often"):
        parsed(activity)


@pytest.mark.parametrize(
    ("audience", "counts"),
    [
        ({}, True),  # names none, as exports
        ({"to": [PUBLIC]}, True),
        ({"to": "as:Public"}, True),
        ({"to": [f"{ANA}followers"], "cc": ["Public"]}, True),  # unlisted
        ({"to": [{"type": "Collection", "id": PUBLIC}]}, True),
        ({"to": [f"{ANA}followers"], "cc": [BO]}, False),  # followers only
        ({"to": [BO], "cc": []}, False),  # direct
        ({"to": [], "cc": []}, False),  # to oneself
        ({"bto": [BO]}, False),
    ],
)
def test_only_public_acts_count(audience: dict[str, Any], counts: bool) -> None:
    public = parsed(CREATE, object=CREATE["object"] | RICH)
    assert create(**RICH, **audience) == (public if counts else [Ignored(NOON)])
    assert parsed(CREATE, object=CREATE["object"] | RICH, **audience) == (public if counts else [Ignored(NOON)])
    boost = LIKE | {"type": "Announce"}
    assert parsed(boost, **audience) == (parsed(boost) if counts else [Ignored(NOON)])
    assert announced(CREATE, **{"to": None, "cc": None} | audience) == (parsed(CREATE) if counts else [Ignored(NOON)])
    embedded = {"type": "Note", "id": BOS_NOTE, "attributedTo": BO}
    liked = parsed(LIKE, object=embedded | audience)
    assert liked == (parsed(LIKE, object=embedded) if counts else [Ignored(NOON)])


def test_whom_a_like_or_follow_is_sent_to_does_not_make_it_private() -> None:
    for activity in (LIKE, FOLLOW):
        assert parsed(activity, to=[BO], cc=[]) == parsed(activity)


def test_an_actor_s_update_describes_itself() -> None:
    update = {"type": "Update", "actor": ANA, "published": NOON_TEXT}
    service = {"type": "Service", "id": ANA, "preferredUsername": "ana", "name": "Ana"}
    bot = Account(ANA, NOON, handle="ana", display_name="Ana", is_bot=True)
    assert parsed(update, object=service) == [Ignored(NOON), bot]
    assert announced(update | {"object": service}) == [Ignored(NOON), bot]
    assert parsed(update, object=service | {"type": "Application"}) == [Ignored(NOON), bot]
    assert parsed(update, object=service | {"type": "Person"}) == [Ignored(NOON), bot._replace(is_bot=False)]
    assert parsed(update, object=service | {"type": "Person", "bot": True}) == [Ignored(NOON), bot]
    assert parsed(update, actor=BO, object=service) == [Ignored(NOON)]  # nobody speaks for others
    untimed = {"type": "Update", "actor": ANA, "object": service}
    assert parsed(untimed) == [Ignored(None), bot._replace(observed_at=None)]
    assert parsed(service) == [Ignored(None), bot._replace(observed_at=None)]  # the actor's own page


def test_a_vote_in_a_poll_is_no_reply() -> None:
    assert create(name="blue", inReplyTo=BOS_NOTE) == [Ignored(NOON)]
    assert create(name="blue", inReplyTo=BOS_NOTE, content=None) == [Ignored(NOON)]
    reply = Act("reply", ANA, None, NOON, NOTE, BOS_NOTE)
    assert create(name="A title", content="<p>x</p>", inReplyTo=BOS_NOTE) == [AUTHOR, reply]
