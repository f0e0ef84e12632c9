"""A small Discourse forum of made posts and likes."""

from datetime import UTC, datetime
from typing import Any

from jobs.sources import discourse
from tests.jobs.sources.platform_server import Reply
from tests.jobs.sources.site_server import DAY, MIDNIGHT, RIGHT_TO_LEFT, TEXT, Act, Site, query_of

APART = 2_400  # seconds between two posts
FIRST_OF_DAY = 2_090  # ten topics begin with post 2,100
AFTER = FIRST_OF_DAY + 86_400 // APART
NEWEST = AFTER + 400
NAMES = ("ana", "Bo_D", "cy.e", "dee-f", "\u05d0\u05d1", "system")
LIKED = ("ana", "Bo_D", "cy.e")  # members who received likes


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def time_of(number: int) -> int:
    return MIDNIGHT + (number - FIRST_OF_DAY) * APART


def place_of(number: int) -> tuple[int, int]:
    """A post's topic and its number there: topics have 30 posts, and ten of them are written at the same time."""
    block, within = divmod(number, 300)
    return 10 * block + within % 10 + 1, within // 10 + 1


def number_of(topic: int, place: int) -> int:
    block, within = divmod(topic - 1, 10)
    return 300 * block + 10 * (place - 1) + within


def author_of(number: int) -> str:
    return NAMES[number % 6]


def post(number: int) -> dict[str, Any]:
    topic, place = place_of(number)
    made = {
        "id": number,
        "username": author_of(number),
        "user_id": -1 if author_of(number) == "system" else number % 6 + 1,
        "name": RIGHT_TO_LEFT,
        "created_at": iso(time_of(number) + 0.5),
        "topic_id": topic,
        "post_number": place,
        "post_type": 1,
        "raw": TEXT,
        "cooked": f"<p>{TEXT}</p>",
        "topic_title": TEXT,
        "reply_to_post_number": None,
    }
    if place > 3 and number % 4 == 0:
        made |= {"reply_to_post_number": place - 2}
        if number % 8 == 0:
            made |= {"reply_to_user": {"username": author_of(number_of(topic, place - 2)), "name": TEXT}}
    return made


def likes_of(name: str) -> list[dict[str, Any]]:
    """Likes, newest first, on one old post of the member: one every hour, from the day before until the day after."""
    old = 600 + NAMES.index(name)
    topic, place = place_of(old)
    return [
        {
            "action_type": 2,
            "created_at": iso(MIDNIGHT + 3_600 * hour + NAMES.index(name)),
            "topic_id": topic,
            "post_number": place,
            "username": name,
            "acting_username": f"fan{hour}",
            "acting_user_id": 100 + hour,
            "excerpt": TEXT,
            "title": TEXT,
        }
        for hour in range(32, -8, -1)
    ]


def answer(path: str) -> Reply:
    where, query = query_of(path)
    if where == "/posts.json":
        before = min(int(query.get("before", NEWEST + 1)), NEWEST + 1)
        return Reply({"latest_posts": [post(n) for n in range(before - 1, max(before - 1 - discourse.WINDOW, 0), -1)]})
    if where.startswith("/posts/by_number/"):
        topic, place = where.removeprefix("/posts/by_number/").removesuffix(".json").split("/")
        return Reply(post(number_of(int(topic), int(place))))
    if where == "/directory_items.json":
        assert query["order"] == "likes_received"
        names = (*LIKED, *NAMES[3:])
        items = [{"likes_received": 60 * (n in LIKED), "user": {"username": n, "title": TEXT}} for n in names]
        first = 2 * int(query["page"])
        return Reply({"directory_items": items[first : first + 2], "meta": {"last_updated_at": iso(time_of(NEWEST))}})
    assert (where, query["filter"]) == ("/user_actions.json", "2")
    first = int(query["offset"])
    return Reply({"user_actions": likes_of(query["username"])[first : first + 25]})


def _expected() -> dict[str, Act]:
    acts: dict[str, Act] = {}
    for number in range(FIRST_OF_DAY, AFTER):
        made, (topic, place) = post(number), place_of(number)
        parent = number if place == 1 else number_of(topic, made["reply_to_post_number"] or 1)
        acts[str(number)] = ("post" if place == 1 else "reply", author_of(number), author_of(parent))
    for name in LIKED:
        for like in likes_of(name):
            if like["created_at"].startswith(str(DAY)):
                where = f"{like['topic_id']}/{like['post_number']}"
                acts[f"like-{where}-{like['acting_username']}"] = ("like", like["acting_username"], name)
    return acts


SITE = Site(
    type="discourse",
    answer=answer,
    ask=lambda url: {"site": url},
    expected=_expected(),
    small={"WINDOW": 20, "PAGE_PARENTS": 8},
    module=discourse,
    twice=1,
    again=20,  # the search for the day
    first=12,  # after the search
)
