"""Activities of any platform, in the many ways to write them."""

import tarfile
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from jobs.sources.activitystreams import ActivityStreamsSource, parse
from jobs.sources.page import Account, Act, Author, Ignored, Rejected, Undo, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN, NO_TARGET, NO_TIME, derived_id
from tests.fixture_types import FindFile
from tests.jobs.sources.activities import (
    ANA,
    AUTHOR,
    BO,
    BOS_NOTE,
    CLEO,
    CREATE,
    DAN,
    FOLLOW,
    GROUP,
    LIKE,
    NOON,
    NOON_TEXT,
    NOTE,
    POST,
    PUBLIC,
    RICH,
    create,
    link,
    parsed,
)
from tests.jobs.sources.archives import content
from tests.jobs.sources.conftest import CountPages, Survives


@pytest.mark.parametrize(("name", "kind"), [("Like", "like"), ("EmojiReact", "like"), ("Announce", "reshare")])
def test_the_author_of_what_is_acted_on_is_given_or_looked_up(name: str, kind: str) -> None:
    assert parsed(LIKE, type=name) == [Act(kind, ANA, None, NOON, LIKE["id"], BOS_NOTE)]
    embedded = {"type": "Note", "id": BOS_NOTE, "attributedTo": [{"type": "Person", "id": BO}, CLEO]}
    assert parsed(LIKE, type=name, object=embedded) == [Act(kind, ANA, BO, NOON, LIKE["id"], BOS_NOTE)]


def test_a_follow_is_of_an_account() -> None:
    assert parsed(FOLLOW) == [Act("follow", ANA, BO, NOON, LIKE["id"])]
    assert parsed(FOLLOW, object={"type": "Person", "id": BO}) == [Act("follow", ANA, BO, NOON, LIKE["id"])]


def test_what_is_created() -> None:
    reply = Act("reply", ANA, None, NOON, NOTE, BOS_NOTE)
    assert create() == [AUTHOR, POST]
    assert create(inReplyTo=None) == [AUTHOR, POST]  # as Mastodon writes what replies to nothing
    assert create(inReplyTo="", quoteUrl="") == [AUTHOR, POST]  # as others do
    assert create(attributedTo=BO) == [Author(NOTE, BO), POST]  # passed on in the author's name
    assert create(inReplyTo=BOS_NOTE) == [AUTHOR, reply]
    assert create(inReplyTo=[{"id": BOS_NOTE, "attributedTo": BO}, f"{CLEO}notes/3"]) == [
        AUTHOR,
        Act("reply", ANA, BO, NOON, NOTE, BOS_NOTE),
        Act("reply", ANA, None, NOON, NOTE, f"{CLEO}notes/3"),
    ]
    assert create(**RICH) == [
        AUTHOR,
        reply,
        Act("quote", ANA, None, NOON, NOTE, f"{CLEO}notes/3"),
        Act("mention", ANA, DAN, NOON, NOTE),
    ]
    assert create(tag=[{"type": "Hashtag", "href": "x"}, {"type": "Mention", "name": "@dan"}]) == [
        AUTHOR,
        Unresolved(NO_TARGET, NOON),  # mentions nobody knows whom
        POST,
    ]


@pytest.mark.parametrize("name", ["quote", "quoteUrl", "quoteUri", "_misskey_quote"])
def test_each_name_of_a_quote(name: str) -> None:
    assert create(**{name: BOS_NOTE}) == [AUTHOR, Act("quote", ANA, None, NOON, NOTE, BOS_NOTE), POST]
    assert create(**{name: BOS_NOTE, "quoteUrl": BOS_NOTE}) == create(**{name: BOS_NOTE})  # the same given twice


def test_content_that_is_only_named_is_a_post() -> None:
    assert parsed(CREATE, object=NOTE) == [AUTHOR, POST]


@pytest.mark.parametrize(
    "activity",
    [
        LIKE | {"type": ["Like", "http://schema.org/LikeAction"]},
        LIKE | {"type": ["http://schema.org/LikeAction", "as:Like"]},
        LIKE | {"type": "https://www.w3.org/ns/activitystreams#Like"},
        LIKE | {"type": ["Activity", "Like"]},  # the more specific
        LIKE | {"actor": {"id": ANA}, "object": {"id": BOS_NOTE}},
        LIKE | {"actor": [{"@id": ANA}], "object": [{"@id": BOS_NOTE, "@type": "Note"}]},
        {"@type": "Like", "@id": LIKE["id"], "actor": ANA, "object": BOS_NOTE, "published": NOON_TEXT},
    ],
)
def test_ways_to_write_one_like(activity: dict[str, Any]) -> None:
    assert parsed(activity) == parsed(LIKE)


def test_ids_may_be_numbers() -> None:
    assert parsed(LIKE, id=1, actor=2, object={"id": 3, "attributedTo": 4}) == [Act("like", "2", "4", NOON, "1", "3")]


def test_an_activity_without_an_id_has_a_derived_one() -> None:
    without = {key: value for key, value in FOLLOW.items() if key != "id"}
    assert parsed(without) == [Act("follow", ANA, BO, NOON, derived_id(ANA, BO, NOON))]
    taken_back = parsed({"type": "Undo", "actor": ANA, "object": without})
    assert taken_back == [Undo(derived_id(ANA, BO, NOON), ANA, NOON), Ignored(NOON)]
    created = {"type": "Create", "actor": ANA, "published": NOON_TEXT, "object": {"type": "Note"}}
    assert parsed(created) == [Act("post", ANA, ANA, NOON, derived_id(ANA, ANA, NOON))]
    timed_by_content = {"type": "Create", "actor": ANA, "object": {"type": "Note", "published": NOON_TEXT}}
    for item in (created, timed_by_content):
        undo = {"type": "Undo", "actor": ANA, "object": item, "published": "2026-11-03T13:00:00Z"}
        assert parsed(undo)[0] == Undo(derived_id(ANA, ANA, NOON), ANA, NOON + 3_600_000_000)


def test_actors_of_one_activity_act_one_by_one() -> None:
    assert parsed(LIKE, actor=[ANA, {"type": "Person", "id": CLEO}, ANA], object=[BOS_NOTE, NOTE]) == [
        Act("like", ANA, None, NOON, LIKE["id"], BOS_NOTE),
        Act("like", ANA, None, NOON, LIKE["id"], NOTE),
        Act("like", CLEO, None, NOON, f"{LIKE['id']} {CLEO}", BOS_NOTE),
        Act("like", CLEO, None, NOON, f"{LIKE['id']} {CLEO}", NOTE),
        Account(CLEO, NOON, is_bot=False),
    ]


@pytest.mark.parametrize("kind", ["Person", "Service"])
def test_an_embedded_actor_describes_itself(kind: str) -> None:
    actor = {"type": kind, "id": ANA, "preferredUsername": "ana", "name": "Ana A."}
    act, account = parsed(LIKE, actor=actor)
    assert act == parsed(LIKE)[0]
    assert account == Account(ANA, NOON, handle="ana", display_name="Ana A.", is_bot=kind == "Service")


@pytest.mark.parametrize(
    ("name", "item", "activity_id"),
    [
        ("Undo", LIKE["id"], LIKE["id"]),
        ("Undo", LIKE, LIKE["id"]),
        ("Undo", CREATE, NOTE),  # content's acts have the content's id
        ("Undo", CREATE | {"object": {"type": "Note"}}, CREATE["id"]),  # and this content has none
        ("Delete", NOTE, NOTE),
        ("Delete", {"type": "Tombstone", "id": NOTE}, NOTE),
    ],
)
def test_taking_back(name: str, item: str | dict[str, Any], activity_id: str) -> None:
    activity = {"type": name, "actor": ANA, "object": item, "published": NOON_TEXT}
    assert parsed(activity) == [Undo(activity_id, ANA, NOON), Ignored(NOON)]


def test_taking_back_without_a_time_is_of_whichever_day_holds_the_act() -> None:
    tombstone = {"type": "Tombstone", "id": NOTE}
    untimed = {"type": "Delete", "actor": ANA, "object": tombstone}  # as Mastodon sends it
    assert parsed(untimed) == [Undo(NOTE, ANA, None), Ignored(None)]
    assert parsed(untimed, object=tombstone | {"deleted": NOON_TEXT}) == [Undo(NOTE, ANA, NOON), Ignored(NOON)]
    assert parsed({"type": "Undo", "actor": ANA, "object": LIKE["id"]}) == [Undo(LIKE["id"], ANA, None), Ignored(None)]


def test_nobody_takes_back_another_s_act() -> None:
    with pytest.raises(Rejected, match="the undone act is another actor's"):
        parsed({"type": "Undo", "actor": BO, "object": LIKE, "published": NOON_TEXT})


def test_taking_back_what_cannot_be_identified_is_unresolved() -> None:
    activity = {"type": "Undo", "actor": ANA, "object": {"type": "Like", "object": BOS_NOTE}, "published": NOON_TEXT}
    assert parsed(activity) == [Unresolved(NO_TARGET, NOON)]


def test_whose_time_counts() -> None:
    untimed = {key: value for key, value in CREATE.items() if key != "published"}
    note = CREATE["object"] | {"published": NOON_TEXT}
    assert parsed(untimed, object=note) == [AUTHOR, POST]  # content says when it was written
    untimed_like = {key: value for key, value in LIKE.items() if key != "published"}
    assert parsed(untimed_like, object=note) == [Unresolved(NO_TIME, None)]  # but not when it was liked


def test_what_has_no_target_or_actor_is_unresolved() -> None:
    assert parsed(LIKE, object=None) == [Unresolved(NO_TARGET, NOON)]
    assert parsed(LIKE, object={"type": "Note"}) == [Unresolved(NO_TARGET, NOON)]
    assert parsed(LIKE, actor={"type": "Tombstone", "id": ANA}) == [Unresolved(ACTOR_WITHDRAWN, NOON)]
    assert create(inReplyTo={"type": "Note"}) == [AUTHOR, Unresolved(NO_TARGET, NOON), POST]


@pytest.mark.parametrize("name", ["Update", "Accept", "Block", "Question", "Activity", "Move"])
def test_what_scores_nothing_is_ignored(name: str) -> None:
    assert parsed(LIKE, type=name) == [Ignored(NOON)]


@pytest.mark.parametrize(
    ("change", "reason", "occurred_at"),
    [
        ({"type": "Note"}, "type is no activity of the vocabulary", NOON),
        ({"type": None}, "type is no activity of the vocabulary", NOON),
        ({"type": 7}, "type is no activity of the vocabulary", NOON),
        ({"published": "yesterday"}, "time is not an RFC 3339 time", None),
        ({"published": 7}, "time is not a text", None),
        ({"actor": None}, "actor is missing", NOON),
        ({"actor": []}, "actor is missing", NOON),
        ({"actor": {"name": "Ana"}}, "actor is missing", NOON),
        ({"actor": 1.5}, "actor id is neither a string nor a number", NOON),
        ({"object": [[BOS_NOTE]]}, "object id is neither a string nor a number", NOON),
        ({"id": {"a": 1}}, "activity id is neither a string nor a number", NOON),
    ],
)
def test_faults(change: dict[str, Any], reason: str, occurred_at: int | None) -> None:
    with pytest.raises(Rejected) as fault:
        parsed(LIKE, **change)
    assert (fault.value.reason, fault.value.occurred_at) == (reason, occurred_at)


@pytest.mark.parametrize(
    ("name", "counted_as"),
    [
        ("QuoteRequest", "QuoteRequest"),
        ("https://ns.example.com/bites#Bite", "Bite"),
        ("toot:Feature", "Feature"),
        ("!", "other"),
        ("x" * 999, "x" * 64),
    ],
)
def test_activities_of_extensions_are_ignored_and_counted_by_type(name: str, counted_as: str) -> None:
    assert parsed(LIKE, type=name) == [Ignored(NOON, counted_as)]


@pytest.mark.parametrize("name", ["litepub:EmojiReact", "http://litepub.social/ns#EmojiReact"])
def test_other_names_of_a_reaction(name: str) -> None:
    assert parsed(LIKE, type=name) == parsed(LIKE)


def test_what_names_nobody_in_a_note_leaves_the_rest_of_it_in() -> None:
    reason = "mention: object id is neither a string nor a number"
    assert create(inReplyTo=BOS_NOTE, tag=[{"type": "Mention", "href": {"id": []}}, 7]) == [
        AUTHOR,
        Act("reply", ANA, None, NOON, NOTE, BOS_NOTE),
        Unresolved(reason, NOON),
    ]
    assert create(inReplyTo=[[7]]) == [
        AUTHOR,
        Unresolved("reply: object id is neither a string nor a number", NOON),
        POST,
    ]


def test_no_line_breaks_the_parser(survives: Survives) -> None:
    undo = {"type": "Undo", "actor": ANA, "object": LIKE, "published": NOON_TEXT}
    rich = CREATE | {"object": CREATE["object"] | RICH, "actor": [{"type": "Service", "id": ANA}, BO]}
    group = {"type": "Announce", "actor": GROUP, "object": rich, "to": [PUBLIC]}
    update = {"type": "Update", "actor": ANA, "object": {"type": "Service", "id": ANA}}
    quoting = CREATE | {
        "object": CREATE["object"] | {"tag": [link(BOS_NOTE, "application/activity+json")], "to": PUBLIC}
    }
    survives(parse, [orjson.dumps(activity) for activity in (rich, LIKE, FOLLOW, undo, group, update, quoting)])


def test_the_w3c_s_documents_are_records_or_rejected(fixtures: FindFile) -> None:
    outcomes: dict[str, int] = {}
    with tarfile.open(fixtures("activitystreams/w3c-activitystreams.tar.xz")) as archive:
        for member in archive:
            if member.name.endswith(".json"):
                recorded = content(archive, member)
                try:
                    line = orjson.dumps(orjson.loads(recorded))
                except orjson.JSONDecodeError:
                    line = recorded
                try:
                    names = {type(record).__name__ for record in parse(line)} - {"Author", "Account"}
                except Rejected:
                    names = {"Rejected"}
                for name in names:
                    outcomes[name] = outcomes.get(name, 0) + 1
    # 148 objects that are no activities, 39 activities by actors without an id, 5 no objects of JSON; 15 without a time.
    # Ignored are 4 applications that describe themselves, and an arrival that was announced.
    assert outcomes == {"Rejected": 192, "Ignored": 24, "Unresolved": 15, "Act": 2}


def test_the_id_names_the_platform(tmp_path: Path, count_pages: CountPages) -> None:
    place = tmp_path / "outbox.jsonl"
    place.write_bytes(orjson.dumps(LIKE) + b"\n" + orjson.dumps(CREATE) + b"\n")
    source = ActivityStreamsSource("mastodon", [str(place)])
    (page,) = source.pages(date(2026, 11, 3), date(2026, 11, 3))
    assert (source.platforms, page.platform) == (("mastodon",), "mastodon")
    assert count_pages([page]) == ({"like": 1, "post": 1}, {}, 2, 0, [])
