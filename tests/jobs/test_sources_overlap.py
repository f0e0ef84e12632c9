"""What several sources say of one platform, of one day, and of days they do not reach."""

import pytest

from jobs.pull_activity import NotReachedError, Pulled
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.pulls import DAY, NEXT, NEXT_NOON, NOON, Pulls, like

PUBLIC = "as:Public"


def test_two_sources_of_one_platform_see_the_same_people(pull: Pulls) -> None:
    first = pull.file("first.jsonl", like("ana"), like("cy"))
    second = pull.file("second.jsonl", like("ana"), like("dee"))
    pull(f"mastodon:activitystreams={first}")
    pull(f"mine:activitystreams@mastodon={second}")
    assert pull.table(ACTIVITY, "platform", "source", "activity_id", "actor_id", "target_id") == [
        ("mastodon", "mastodon", "like-ana", "ana", "bo"),
        ("mastodon", "mastodon", "like-cy", "cy", "bo"),
        ("mastodon", "mine", "like-ana", "ana", "bo"),  # of one id and actor: `engagement` counts it once
        ("mastodon", "mine", "like-dee", "dee", "bo"),
    ]
    assert pull.table(COVERAGE, "platform", "source") == [("mastodon", "mastodon"), ("mastodon", "mine")]


def test_what_a_group_hands_on_and_what_arrives_directly_is_one_act(pull: Pulls) -> None:
    acts = [like(who, object="note") for who in ("ana", "cy")]
    note = {"id": "note", "type": "Page", "attributedTo": "bo"}
    created = like("bo", type="Create", object=note)
    dislike = like("eve", type="Dislike")
    moderator = [
        like("mod", type=name, id=f"mod-{name}", object=dict(note)) for name in ("Block", "Delete", "Undo", "Update")
    ]
    announced = [
        {"type": "Announce", "actor": "group", "id": f"announce-{number}", "to": PUBLIC, "object": act}
        for number, act in enumerate((created, *acts, dislike, *moderator))
    ]
    pull(f"lemmy:activitystreams={pull.file('inbox.jsonl', *acts, *announced)}")
    assert pull.table(ACTIVITY, "kind", "actor_id", "target_id") == [
        ("like", "ana", "bo"),
        ("like", "cy", "bo"),
        ("post", "bo", "bo"),
    ]
    assert pull.table(COVERAGE, "repeated_count", "rejected_count", "unresolved_count") == [(2, 0, 0)]


def test_an_account_says_later_that_it_is_no_bot(pull: Pulls) -> None:
    def update(kind: str, hour: int) -> dict:
        at = f"2012-07-04T{hour:02}:00:00Z"
        return like("ana", type="Update", id=f"u{hour}", published=at, object={"type": kind, "id": "ana"})

    pull(f"mastodon:activitystreams={pull.file('a.jsonl', update('Service', 8), update('Person', 9))}")
    assert pull.table(ACCOUNTS, "account_id", "is_bot") == [("ana", False)]


def test_a_day_past_the_last_line_of_a_file_is_not_covered_by_it(pull: Pulls) -> None:
    path = pull.file("day.txt", f"1 2 {NOON} RT")
    heard: list[Pulled] = []
    (pulled,) = pull(f"higgs={path}", last_day=NEXT, on_day=heard.append)
    assert pull.table(COVERAGE, "day", "status") == [(DAY, "complete")]
    reason = (
        f"higgs {NEXT}: not covered: the latest line read is from {DAY}; nothing was pulled; request days up to then,"
        " or add later files"
    )
    assert heard == [pulled, Pulled(NEXT, "higgs", 0, 0, 0, 0, reason, covered=False)]
    assert pull.states() == [(DAY, "done", None), (NEXT, "failed", reason)]
    with pytest.raises(NotReachedError, match="the latest line read is from 2012-07-04"):
        pull(f"higgs={path}", first_day=NEXT)
    assert pull.table(COVERAGE, "day") == [(DAY,)]


def test_a_day_between_the_lines_of_a_file_is_covered(pull: Pulls) -> None:
    path = pull.file("day.txt", f"1 2 {NEXT_NOON} RT")
    pull(f"higgs={path}")
    assert pull.table(COVERAGE, "day", "status") == [(DAY, "complete")]


def test_what_was_pulled_before_stays_where_a_file_no_longer_reaches_the_day(pull: Pulls) -> None:
    pull(f"higgs={pull.file('day.txt', f'1 2 {NEXT_NOON} RT')}", first_day=NEXT)
    before = pull.counting()
    with pytest.raises(NotReachedError):
        pull(f"higgs={pull.file('day.txt', f'1 2 {NOON} RT')}", first_day=NEXT)
    assert pull.counting() == before
