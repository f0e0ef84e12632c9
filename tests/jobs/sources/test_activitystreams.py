"""Activities of any platform, in the many ways to write them."""

import tarfile
from datetime import UTC, date, datetime

import orjson
import pytest

from jobs.errors import UsageError
from jobs.sources.activitystreams import ActivityStreamsSource, parse
from jobs.sources.page import Account, Act, Author, Ignored, Rejected, Undo, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN, NO_TARGET, NO_TIME, derived_id

NOON_TEXT = "2026-11-03T12:00:00Z"
NOON = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * 1_000_000
ANA, BO, CLEO, DAN = (f"https://{name}.example/" for name in ("ana", "bo", "cleo", "dan"))
NOTE, BOS_NOTE = f"{ANA}notes/1", f"{BO}notes/2"
LIKE = {"type": "Like", "id": f"{ANA}likes/1", "actor": ANA, "object": BOS_NOTE, "published": NOON_TEXT}
FOLLOW = LIKE | {"type": "Follow", "object": BO}
CREATE = {
    "@context": "https://www.w3.org/ns/activitystreams",
    "type": "Create",
    "id": f"{ANA}creates/1",
    "actor": ANA,
    "published": NOON_TEXT,
    "object": {"type": "Note", "id": NOTE, "attributedTo": ANA},
}
RICH = {"inReplyTo": BOS_NOTE, "quoteUrl": f"{CLEO}notes/3", "tag": [{"type": "Mention", "href": DAN, "name": "@dan"}]}
AUTHOR, POST = Author(NOTE, ANA), Act("post", ANA, ANA, NOON, NOTE)


def parsed(activity: dict, **more):
    return list(parse(orjson.dumps(activity | more)))


def create(**note):
    return parsed(CREATE, object=CREATE["object"] | note)


@pytest.mark.parametrize(("name", "kind"), [("Like", "like"), ("EmojiReact", "like"), ("Announce", "reshare")])
def test_the_author_of_what_is_acted_on_is_told_or_looked_up(name, kind):
    assert parsed(LIKE, type=name) == [Act(kind, ANA, None, NOON, LIKE["id"], BOS_NOTE)]
    embedded = {"type": "Note", "id": BOS_NOTE, "attributedTo": [{"type": "Person", "id": BO}, CLEO]}
    assert parsed(LIKE, type=name, object=embedded) == [Act(kind, ANA, BO, NOON, LIKE["id"], BOS_NOTE)]


def test_a_follow_is_of_an_account():
    assert parsed(FOLLOW) == [Act("follow", ANA, BO, NOON, LIKE["id"])]
    assert parsed(FOLLOW, object={"type": "Person", "id": BO}) == [Act("follow", ANA, BO, NOON, LIKE["id"])]


def test_what_is_created():
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
def test_each_name_of_a_quote(name):
    assert create(**{name: BOS_NOTE}) == [AUTHOR, Act("quote", ANA, None, NOON, NOTE, BOS_NOTE), POST]
    assert create(**{name: BOS_NOTE, "quoteUrl": BOS_NOTE}) == create(**{name: BOS_NOTE})  # the same told twice


def test_content_that_is_only_named_is_a_post():
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
def test_ways_to_write_one_like(activity):
    assert parsed(activity) == parsed(LIKE)


def test_ids_may_be_numbers():
    assert parsed(LIKE, id=1, actor=2, object={"id": 3, "attributedTo": 4}) == [Act("like", "2", "4", NOON, "1", "3")]


def test_an_activity_without_an_id_has_a_derived_one():
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


def test_actors_of_one_activity_act_one_by_one():
    assert parsed(LIKE, actor=[ANA, {"type": "Person", "id": CLEO}, ANA], object=[BOS_NOTE, NOTE]) == [
        Act("like", ANA, None, NOON, LIKE["id"], BOS_NOTE),
        Act("like", ANA, None, NOON, LIKE["id"], NOTE),
        Act("like", CLEO, None, NOON, f"{LIKE['id']} {CLEO}", BOS_NOTE),
        Act("like", CLEO, None, NOON, f"{LIKE['id']} {CLEO}", NOTE),
        Account(CLEO, NOON, is_bot=False),
    ]


@pytest.mark.parametrize("kind", ["Person", "Service"])
def test_an_embedded_actor_tells_of_itself(kind):
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
def test_taking_back(name, item, activity_id):
    activity = {"type": name, "actor": ANA, "object": item, "published": NOON_TEXT}
    assert parsed(activity) == [Undo(activity_id, ANA, NOON), Ignored(NOON)]


def test_taking_back_without_a_time_is_of_whichever_day_holds_the_act():
    tombstone = {"type": "Tombstone", "id": NOTE}
    untimed = {"type": "Delete", "actor": ANA, "object": tombstone}  # as Mastodon sends it
    assert parsed(untimed) == [Undo(NOTE, ANA, None), Ignored(None)]
    assert parsed(untimed, object=tombstone | {"deleted": NOON_TEXT}) == [Undo(NOTE, ANA, NOON), Ignored(NOON)]
    assert parsed({"type": "Undo", "actor": ANA, "object": LIKE["id"]}) == [Undo(LIKE["id"], ANA, None), Ignored(None)]


def test_nobody_takes_back_another_s_act():
    with pytest.raises(Rejected, match="what is taken back is another actor's"):
        parsed({"type": "Undo", "actor": BO, "object": LIKE, "published": NOON_TEXT})


def test_taking_back_what_cannot_be_told_is_unresolved():
    activity = {"type": "Undo", "actor": ANA, "object": {"type": "Like", "object": BOS_NOTE}, "published": NOON_TEXT}
    assert parsed(activity) == [Unresolved(NO_TARGET, NOON)]


def test_whose_time_counts():
    untimed = {key: value for key, value in CREATE.items() if key != "published"}
    note = CREATE["object"] | {"published": NOON_TEXT}
    assert parsed(untimed, object=note) == [AUTHOR, POST]  # content tells when it was written
    untimed_like = {key: value for key, value in LIKE.items() if key != "published"}
    assert parsed(untimed_like, object=note) == [Unresolved(NO_TIME, None)]  # but not when it was liked


def test_what_has_no_target_or_actor_is_unresolved():
    assert parsed(LIKE, object=None) == [Unresolved(NO_TARGET, NOON)]
    assert parsed(LIKE, object={"type": "Note"}) == [Unresolved(NO_TARGET, NOON)]
    assert parsed(LIKE, actor={"type": "Tombstone", "id": ANA}) == [Unresolved(ACTOR_WITHDRAWN, NOON)]
    assert create(inReplyTo={"type": "Note"}) == [AUTHOR, Unresolved(NO_TARGET, NOON), POST]


@pytest.mark.parametrize("name", ["Update", "Accept", "Block", "Question", "Activity", "Move"])
def test_what_scores_nothing_is_ignored(name):
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
def test_faults(change, reason, occurred_at):
    with pytest.raises(Rejected) as fault:
        parsed(LIKE, **change)
    assert (fault.value.reason, fault.value.occurred_at) == (reason, occurred_at)


GROUP = "https://group.example/c/tools"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


def announced(activity: object, **more) -> list:
    outer = {"type": "Announce", "id": f"{GROUP}/1", "actor": GROUP, "published": NOON_TEXT, "object": activity}
    return parsed(outer | {"to": [PUBLIC], "cc": [f"{GROUP}/followers"]} | more)


@pytest.mark.parametrize("activity", [CREATE, CREATE | {"object": CREATE["object"] | RICH}, LIKE, FOLLOW])
def test_a_group_hands_an_activity_on_which_counts_as_what_it_is_by_its_own_actor(activity):
    assert announced(activity) == parsed(activity)  # with the same id, so that both ways count once
    assert announced([activity]) == parsed(activity)
    relayed = {"type": "Announce", "actor": BO, "object": activity}
    assert announced(relayed) == parsed(activity)
    untimed = {key: value for key, value in activity.items() if key != "published"}
    assert announced(untimed) == parsed(activity)  # it happened when it was announced


@pytest.mark.parametrize("name", ["Block", "Update", "Dislike", "Flag", "Add", "Remove", "Bite"])
def test_what_a_group_hands_on_lifts_nobody_where_it_scores_nothing(name):
    act = LIKE | {"type": name, "object": {"type": "Note", "id": BOS_NOTE, "attributedTo": BO}}
    (ignored,) = announced(act)
    assert isinstance(ignored, Ignored)


@pytest.mark.parametrize("name", ["Undo", "Delete"])
def test_what_a_group_hands_on_takes_back_its_own_actor_s_act_only(name):
    by_author = {"type": name, "actor": ANA, "object": LIKE["id"]}
    assert announced(by_author) == [Undo(LIKE["id"], ANA, NOON), Ignored(NOON)]
    moderator = announced(by_author | {"actor": CLEO})
    assert moderator == [Undo(LIKE["id"], CLEO, NOON), Ignored(NOON)]  # of which Cleo has none


def test_an_announcement_of_content_is_a_reshare_also_by_a_group():
    for content in ({"type": "Page", "id": BOS_NOTE, "attributedTo": BO}, {"type": "Question", "id": BOS_NOTE}):
        assert announced(content) == [Act("reshare", GROUP, content.get("attributedTo"), NOON, f"{GROUP}/1", BOS_NOTE)]


def test_what_is_handed_on_again_and_again_is_rejected():
    activity = LIKE
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
def test_only_public_acts_count(audience, counts):
    public = parsed(CREATE, object=CREATE["object"] | RICH)
    assert create(**RICH, **audience) == (public if counts else [Ignored(NOON)])
    assert parsed(CREATE, object=CREATE["object"] | RICH, **audience) == (public if counts else [Ignored(NOON)])
    boost = LIKE | {"type": "Announce"}
    assert parsed(boost, **audience) == (parsed(boost) if counts else [Ignored(NOON)])
    assert announced(CREATE, **{"to": None, "cc": None} | audience) == (parsed(CREATE) if counts else [Ignored(NOON)])
    embedded = {"type": "Note", "id": BOS_NOTE, "attributedTo": BO}
    liked = parsed(LIKE, object=embedded | audience)
    assert liked == (parsed(LIKE, object=embedded) if counts else [Ignored(NOON)])


def test_whom_a_like_or_follow_is_sent_to_does_not_make_it_private():
    for activity in (LIKE, FOLLOW):
        assert parsed(activity, to=[BO], cc=[]) == parsed(activity)


def test_a_vote_in_a_poll_is_no_reply():
    assert create(name="blue", inReplyTo=BOS_NOTE) == [Ignored(NOON)]
    assert create(name="blue", inReplyTo=BOS_NOTE, content=None) == [Ignored(NOON)]
    reply = Act("reply", ANA, None, NOON, NOTE, BOS_NOTE)
    assert create(name="A title", content="<p>x</p>", inReplyTo=BOS_NOTE) == [AUTHOR, reply]


def test_an_actor_s_update_tells_of_itself():
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
def test_activities_of_extensions_are_ignored_and_counted_by_type(name, counted_as):
    assert parsed(LIKE, type=name) == [Ignored(NOON, counted_as)]


@pytest.mark.parametrize("name", ["litepub:EmojiReact", "http://litepub.social/ns#EmojiReact"])
def test_other_names_of_a_reaction(name):
    assert parsed(LIKE, type=name) == parsed(LIKE)


def link(href: str, media_type: str, **more) -> dict:
    return {"type": "Link", "mediaType": media_type, "href": href} | more


def test_quotes_by_links():
    quote = Act("quote", ANA, None, NOON, NOTE, BOS_NOTE)
    of_activitystreams = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
    for media_type in (of_activitystreams, "application/activity+json"):
        assert create(tag=[link(BOS_NOTE, media_type)]) == [AUTHOR, quote, POST]
    assert create(tag=[link(BOS_NOTE, of_activitystreams)], quoteUrl=BOS_NOTE) == [AUTHOR, quote, POST]  # one quote
    for media_type in ("text/html", "application/ld+json", None):
        assert create(tag=[link(BOS_NOTE, media_type)]) == [AUTHOR, POST]


def test_what_names_nobody_in_a_note_leaves_the_rest_of_it_in():
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


def test_no_line_breaks_the_parser(survives):
    undo = {"type": "Undo", "actor": ANA, "object": LIKE, "published": NOON_TEXT}
    rich = CREATE | {"object": CREATE["object"] | RICH, "actor": [{"type": "Service", "id": ANA}, BO]}
    group = {"type": "Announce", "actor": GROUP, "object": rich, "to": [PUBLIC]}
    update = {"type": "Update", "actor": ANA, "object": {"type": "Service", "id": ANA}}
    quoting = CREATE | {
        "object": CREATE["object"] | {"tag": [link(BOS_NOTE, "application/activity+json")], "to": PUBLIC}
    }
    survives(parse, [orjson.dumps(activity) for activity in (rich, LIKE, FOLLOW, undo, group, update, quoting)])


def test_the_w3c_s_documents_are_records_or_rejected(fixtures):
    outcomes: dict[str, int] = {}
    with tarfile.open(fixtures("activitystreams/w3c-activitystreams.tar.xz")) as archive:
        for member in archive:
            if member.name.endswith(".json"):
                content = archive.extractfile(member).read()
                try:
                    line = orjson.dumps(orjson.loads(content))
                except orjson.JSONDecodeError:
                    line = content
                try:
                    names = {type(record).__name__ for record in parse(line)} - {"Author", "Account"}
                except Rejected:
                    names = {"Rejected"}
                for name in names:
                    outcomes[name] = outcomes.get(name, 0) + 1
    # 148 objects that are no activities, 39 activities by actors without an id, 5 no objects of JSON; 15 without a time.
    # Ignored are 4 applications that tell of themselves, and an arrival that was announced.
    assert outcomes == {"Rejected": 192, "Ignored": 24, "Unresolved": 15, "Act": 2}


def test_the_id_names_the_platform(tmp_path, tell):
    place = tmp_path / "outbox.jsonl"
    place.write_bytes(orjson.dumps(LIKE) + b"\n" + orjson.dumps(CREATE) + b"\n")
    source = ActivityStreamsSource("mastodon", [str(place)])
    (page,) = source.pages(date(2026, 11, 3), date(2026, 11, 3))
    assert (source.platforms, page.platform) == (("mastodon",), "mastodon")
    assert tell([page]) == ({"like": 1, "post": 1}, {}, 2, 0, [])
    with pytest.raises(UsageError, match="`sample-` begins simulated ones"):
        ActivityStreamsSource("sample-mastodon", [str(place)])
