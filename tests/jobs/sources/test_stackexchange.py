"""A Stack Exchange site: what its items become, and its own limits and errors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from jobs.sources.page import Account, Act, Author, Ignored, Record, Rejected, Unresolved
from jobs.sources.stackexchange import TARGET_WITHDRAWN, parse
from jobs.sources.values import ACTOR_WITHDRAWN
from tests.jobs.sources.conftest import Survives
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.site_server import DAY, MIDNIGHT, RIGHT_TO_LEFT, Clock, pulled, query_of
from tests.jobs.sources.stackexchange_server import SITE, error
from tests.jobs.sources.stackexchange_server import answer as whole

T = MIDNIGHT * 1_000_000
ANA = {"user_id": 7, "user_type": "registered", "display_name": "Ana &#39;"}
BO = {"user_id": 8, "user_type": "unregistered", "display_name": "Bo"}
GONE = {"user_type": "does_not_exist", "display_name": "user9"}
KNOWN = Account("7", T, "Ana '")


@pytest.fixture
def stack(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    SITE.serve(platform, monkeypatch)
    return platform


# One item


@pytest.mark.parametrize(
    ("item", "records"),
    [
        ({"question_id": 1}, (Act("post", "7", "7", T, "1"), Author("1", "7"), KNOWN)),
        ({"answer_id": 2, "question_id": 1}, (Act("reply", "7", None, T, "2", "1"), Author("2", "7"), KNOWN)),
        ({"comment_id": 3, "post_id": 2}, (Act("reply", "7", None, T, "comment-3", "2"), KNOWN)),
        (
            {"comment_id": 3, "post_id": 2, "reply_to_user": BO},
            (Act("reply", "7", "8", T, "comment-3", "2"), Account("8", T, "Bo"), KNOWN),
        ),
        (
            {"comment_id": 3, "post_id": 2, "reply_to_user": GONE},
            (Unresolved(TARGET_WITHDRAWN, T), Act("post", "7", "7", T, "comment-3"), KNOWN),
        ),
        ({"post_id": 2}, (Ignored(T), Author("2", "7"))),
        ({"post_id": 2, "owner": GONE}, (Ignored(T),)),
        ({"question_id": 1, "owner": GONE}, (Unresolved(ACTOR_WITHDRAWN, T),)),
        ({"comment_id": 3, "post_id": 2, "owner": None}, (Unresolved(ACTOR_WITHDRAWN, T),)),
        (
            {"question_id": 1, "owner": {"user_id": -1, "display_name": "Community"}},
            (Act("post", "-1", "-1", T, "1"), Author("1", "-1"), Account("-1", T, "Community", is_bot=True)),
        ),
    ],
)
def test_what_an_item_becomes(item: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert parse(orjson.dumps({"creation_date": MIDNIGHT, "owner": ANA} | item)) == records


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({}, "item is none of question, answer, comment, post"),
        ({"question_id": None}, "question is missing"),
        ({"question_id": 1, "owner": {"display_name": "x"}}, "actor is missing"),
        ({"question_id": 1, "owner": "ana"}, "actor is missing"),
        ({"comment_id": 3, "post_id": [2]}, "post id is neither a string nor a number"),
        ({"question_id": 1, "creation_date": None}, "time is not a number of seconds"),
    ],
)
def test_what_is_rejected(item: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected, match=f"^{reason}$"):
        parse(orjson.dumps({"creation_date": MIDNIGHT, "owner": ANA} | item))


def test_hostile_items_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    items: list[dict[str, Any]] = [
        {"question_id": 1},
        {"answer_id": 2, "question_id": 1},
        {"comment_id": 3, "post_id": 2, "reply_to_user": BO},
        {"post_id": 9},
    ]
    survives(parse, [orjson.dumps({"creation_date": MIDNIGHT, "owner": ANA} | item) for item in items])


# A day


def replaced(**changes: Any) -> Callable[[str], Reply]:
    """The site, whose first question of each page has other fields."""

    def answer(path: str) -> Reply:
        reply = whole(path)
        items = [dict(item) for item in reply.value["items"]]
        if items and path.startswith("/questions"):
            items[0].update(changes)
        return Reply(reply.value | {"items": items})

    return answer


def test_one_odd_item_is_rejected_and_the_others_survive(stack: Platform, tmp_path: Path) -> None:
    stack.answer = replaced(owner={"user_id": {"no": "id"}, "display_name": RIGHT_TO_LEFT})
    source = SITE.opened(stack, tmp_path)
    pages = list(source.pages(DAY, DAY))
    assert {fault["reason"] for page in pages for fault in page.faults.to_pylist()} == {
        "actor id is neither a string nor a number"
    }
    questions = {act["activity_id"] for page in pages for act in page.acts.to_pylist() if act["kind"] == "post"}
    assert len(questions) == 72 - 1  # later pages begin with a question that the page before had


def test_an_item_that_is_no_object_is_rejected_and_the_others_survive(stack: Platform, tmp_path: Path) -> None:
    def answer(path: str) -> Reply:
        reply = whole(path)
        return Reply(reply.value | {"items": [*reply.value["items"], "odd", None, 7]})

    stack.answer = answer
    assert pulled(SITE.opened(stack, tmp_path)) == (SITE.expected, [])


def test_hostile_names_and_large_ids_are_kept(stack: Platform, tmp_path: Path) -> None:
    stack.answer = replaced(question_id=2**64 - 1, owner={"user_id": 2**63, "display_name": RIGHT_TO_LEFT})
    source = SITE.opened(stack, tmp_path)
    pages = list(source.pages(DAY, DAY))
    assert f"{2**64 - 1}" in {row["activity_id"] for page in pages for row in page.acts.to_pylist()}
    handles = {row["account_id"]: row["handle"] for page in pages for row in page.accounts.to_pylist()}
    assert handles[f"{2**63}"] == RIGHT_TO_LEFT
    assert handles["3"] == "Ana & Bo 3"


def test_older_posts_are_asked_together_and_once(stack: Platform, tmp_path: Path) -> None:
    pulled(SITE.opened(stack, tmp_path))
    asked = [path for path in stack.asked if path.startswith("/posts/")]
    ids = [number for path in asked for number in query_of(path)[0].removeprefix("/posts/").split(";")]
    assert len(ids) == len(set(ids)) == 10 + 6  # questions of answers, answers whose comments name nobody
    assert len(asked) == 1


def test_many_items_of_one_second_are_paged_within_it(stack: Platform, tmp_path: Path) -> None:
    crowd: list[dict[str, Any]] = [
        {"question_id": number, "creation_date": MIDNIGHT + 5, "owner": ANA} for number in range(1, 61)
    ]
    crowd.append({"question_id": 61, "creation_date": MIDNIGHT + 6, "owner": ANA})

    def answer(path: str) -> Reply:
        where, query = query_of(path)
        if where != "/questions":
            return Reply({"items": [], "has_more": False})
        found = [item for item in crowd if item["creation_date"] >= int(query["fromdate"])]
        first = 25 * (int(query["page"]) - 1)
        return Reply({"items": found[first : first + 25], "has_more": first + 25 < len(found)})

    stack.answer = answer
    acts, notes = pulled(SITE.opened(stack, tmp_path))
    assert (len(acts), notes) == (61, [])


def test_a_list_without_end_ends(stack: Platform, tmp_path: Path) -> None:
    page = {"items": [{"question_id": 1, "creation_date": MIDNIGHT, "owner": ANA}], "has_more": True}
    stack.answer = lambda path: Reply(page if path.startswith("/questions") else {"items": []})
    acts, (note,) = pulled(SITE.opened(stack, tmp_path))
    assert (len(acts), note.partial) == (1, True)
    assert "leads back to a page already read" in note.reason
    assert len(stack.asked) == 2 + 2


# Its limits


def test_a_backoff_is_obeyed_for_its_method_only(stack: Platform, tmp_path: Path) -> None:
    clock, times = Clock(), []

    def answer(path: str) -> Reply:
        reply = whole(path)
        times.append((query_of(path)[0].split("/")[1], clock.now))
        last = not reply.value["has_more"]
        return Reply(reply.value | ({"backoff": 30} if path.startswith("/questions") and not last else {}))

    stack.answer = answer
    assert pulled(SITE.opened(stack, tmp_path, clock=clock)) == (SITE.expected, [])
    questions = [at for method, at in times if method == "questions"]
    assert questions == [30.0 * number for number in range(len(questions))]
    assert len(questions) > 2
    assert {at for method, at in times if method != "questions"} == {questions[-1]}


def test_a_backoff_longer_than_the_pull_may_take_ends_it(stack: Platform, tmp_path: Path) -> None:
    stack.answer = lambda path: Reply(whole(path).value | {"backoff": 86_400})
    acts, (note,) = pulled(SITE.opened(stack, tmp_path))
    assert note.reason == "the platform asks to wait 86,400 s after 0 of 3 lists; the next pull resumes there"
    assert acts
    assert len(stack.asked) == 1


def test_a_used_up_quota_ends_the_pull_and_the_next_one_resumes(stack: Platform, tmp_path: Path) -> None:
    left = [3]

    def answer(path: str) -> Reply:
        left[0] -= 1
        return Reply(whole(path).value | {"quota_remaining": left[0]})

    stack.answer = answer
    acts, (note,) = pulled(SITE.opened(stack, tmp_path))
    assert note.reason.startswith("the platform's quota of requests for today is used up after 1 of 3 lists")
    assert (len(stack.asked), len(acts)) == (3, 72)
    left[0] = 1_000
    assert pulled(SITE.opened(stack, tmp_path)) == (SITE.expected, [])


def test_a_throttle_is_waited_for_if_it_is_short(stack: Platform, tmp_path: Path) -> None:
    message = "too many requests from this IP, more requests available in 42 seconds"
    limited, clock = [error(502, "throttle_violation", message), error(500, "internal_error", "")], Clock()
    stack.answer = lambda path: limited.pop(0) if limited else whole(path)
    assert pulled(SITE.opened(stack, tmp_path, clock=clock)) == (SITE.expected, [])
    assert clock.waits[0] == 43
    assert len(clock.waits) == 2


def test_a_long_throttle_ends_the_pull(stack: Platform, tmp_path: Path) -> None:
    message = "too many requests from this IP, more requests available in 17524 seconds"
    stack.answer = lambda _: error(502, "throttle_violation", message)
    acts, (note,) = pulled(SITE.opened(stack, tmp_path))
    assert note.reason.startswith("the platform asks to wait 17,525 s after 0 of 3 lists")
    assert (acts, note.absent, len(stack.asked)) == ({}, True, 1)
