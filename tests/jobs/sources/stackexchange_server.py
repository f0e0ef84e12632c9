"""A small Stack Exchange site of made items."""

from typing import Any

from jobs.sources import stackexchange
from tests.jobs.sources.platform_server import Reply
from tests.jobs.sources.site_server import MIDNIGHT, TEXT, Act, Site, query_of


def _person(number: int) -> dict[str, Any]:
    return {"user_id": number, "user_type": "registered", "display_name": f"Ana &amp; Bo {number}", "reputation": 7}


def _items() -> dict[str, list[dict[str, Any]]]:
    """An item of each list every 20 minutes, from the day before until the day after. Ids of posts rise; a question of an even
    number and its answer share a time."""
    lists: dict[str, list[dict[str, Any]]] = {"questions": [], "answers": [], "comments": []}
    for number in range(-20, 92):
        at, post = MIDNIGHT + number * 1_200, 10_000 + 10 * number
        common = {"creation_date": at, "title": TEXT, "body": TEXT, "link": f"https://example.org/{TEXT}"}
        lists["questions"].append(common | {"question_id": post, "owner": _person(number % 7)})
        lists["answers"].append(
            common | {"answer_id": post + 1, "question_id": post - 100, "owner": _person(number % 5)}
        )
        addressed = {"reply_to_user": _person(33)} if number % 3 == 0 else {}
        lists["comments"].append(
            common | {"comment_id": 50_000 + number, "post_id": post - 99, "owner": _person(number % 4)} | addressed
        )
    return lists


LISTS = _items()


def answer(path: str) -> Reply:
    where, query = query_of(path)
    method, _, ids = where.strip("/").partition("/")
    assert query["site"] == "dba.stackexchange.com"
    if method == "posts":
        wanted = set(map(int, ids.split(";")))
        posts = [
            {"post_id": item.get("answer_id", item["question_id"]), "creation_date": item["creation_date"]}
            | {"owner": item["owner"], "body": TEXT}
            for item in LISTS["questions"] + LISTS["answers"]
        ]
        found = [post for post in posts if post["post_id"] in wanted]
        assert len(wanted) <= stackexchange.PAGE_ITEMS
        return Reply({"items": found, "has_more": False, "quota_remaining": 200})
    since, until, size = (int(query[name]) for name in ("fromdate", "todate", "pagesize"))
    items = [item for item in LISTS[method] if since <= item["creation_date"] <= until]
    first = size * (int(query["page"]) - 1)
    more = first + size < len(items)
    return Reply({"items": items[first : first + size], "has_more": more, "quota_remaining": 200})


def _expected() -> dict[str, Act]:
    asker = {item["question_id"]: item["owner"]["user_id"] for item in LISTS["questions"]}
    owner = asker | {item["answer_id"]: item["owner"]["user_id"] for item in LISTS["answers"]}
    acts: dict[str, Act] = {}

    def target(post: int) -> str | None:
        return str(owner[post]) if post in owner else None

    for number in range(72):
        post = 10_000 + 10 * number
        acts[str(post)] = ("post", str(number % 7), str(number % 7))
        acts[str(post + 1)] = ("reply", str(number % 5), target(post - 100))
        to = "33" if number % 3 == 0 else target(post - 99)
        acts[f"comment-{50_000 + number}"] = ("reply", str(number % 4), to)
    return acts


SITE = Site(
    type="stackexchange",
    answer=answer,
    ask=lambda url: {"site": "dba.stackexchange.com", "api": url},
    expected=_expected(),
    small={"PAGE_ITEMS": 25},
    module=stackexchange,
)


def error(number: int, name: str, message: str) -> Reply:
    """A failure, as the API describes it."""
    return Reply({"error_id": number, "error_name": name, "error_message": message}, 400)
