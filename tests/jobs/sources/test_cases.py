"""Inputs that failed elsewhere, made small: each is pulled into a warehouse of its own. Shared files, see CLOUT_TEST_CASES.

A case represents a kind; what comes out is compared whole: acts, accounts, and what became of the other lines.
"""

import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jobs.errors import UsageError
from jobs.sources.values import ACTOR_WITHDRAWN, NO_TARGET, NO_TIME
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from tests.fixture_types import FindFile
from tests.jobs.pulls import Pulls

BLUESKY_DAY, DAY, REDDIT_DAY = date(2026, 9, 3), date(2026, 10, 5), date(2023, 1, 15)

Acts = dict[tuple[str, str, str], int]  # (kind, actor, target) -> how many; `*`: everybody not named elsewhere


class Case(NamedTuple):
    """`others` counts lines by outcome, those at 0 left out; `accounts` is (id, handle, is_bot)."""

    name: str
    acts: Acts
    others: dict[str, int] = {}  # noqa: RUF012
    accounts: list[tuple[str, str | None, bool | None]] = []  # noqa: RUF012
    unresolved: list[str] = []  # noqa: RUF012
    type: str = "activitystreams"
    day: date = DAY


def of_jetstream(name: str, acts: Acts, others: dict[str, int] | None = None, **more: Any) -> Case:
    return Case(name, acts, others or {}, type="jetstream", day=BLUESKY_DAY, **more)


def of_github(name: str, acts: Acts, others: dict[str, int] | None = None, **more: Any) -> Case:
    return Case(name, acts, others or {}, type="gharchive", **more)


def of_reddit(name: str, acts: Acts, others: dict[str, int] | None = None, **more: Any) -> Case:
    return Case(name, acts, others or {}, type="reddit", day=REDDIT_DAY, **more)


POST_OF_BO = {("post", "bo", "bo"): 1}
OUTBOX = {**POST_OF_BO, ("reply", "ana", "bo"): 1, ("mention", "ana", "bo"): 1, ("reshare", "cy", "bo"): 1}
LIKES = ("like", "*", "bo")
NOT_RFC_3339 = "time is not an RFC 3339 time"

CASES = [
    of_jetstream(
        "jetstream_v2_frames.jsonl",
        {("like", "ana", "bo"): 1, ("follow", "cy", "bo"): 1, ("reshare", "bo", "ana"): 1},
        {"ignored": 4},
        accounts=[("ana", "ana.example", None)],
    ),
    of_jetstream("jetstream_before_oct_2024.jsonl", {LIKES: 2}),
    of_jetstream("jetstream_reconnect_overlap.jsonl", {LIKES: 40}, {"repeated": 6}),
    of_jetstream(
        "jetstream_bad_facet.jsonl",
        {LIKES: 60, ("reply", "ana", "bo"): 1, ("reply", "cy", "bo"): 1},
        {"unresolved": 2},
        unresolved=["mention: subject is missing", "mention: subject is not a DID"],
    ),
    of_jetstream("jetstream_lone_surrogate.jsonl", {LIKES: 30, ("reply", "ana", "bo"): 1}),
    Case("as_delivered_twice.jsonl", {**POST_OF_BO, LIKES: 20}, {"repeated": 4}),
    Case(
        "as_update_says_bot.jsonl",
        {**POST_OF_BO, LIKES: 2},
        {"ignored": 2},
        accounts=[("bo", "bo", False), ("robot", "robot", True)],
    ),
    Case("mastodon_outbox_oneline.json", OUTBOX),
    Case("mastodon_outbox_pretty.json", OUTBOX),
    Case("as_outbox_page.jsonl", OUTBOX),
    Case("as_json_array.json", OUTBOX),
    Case("as_types_of_extensions.jsonl", {**POST_OF_BO, LIKES: 30}, {"ignored": 6}),
    Case("as_emoji_react_names.jsonl", {**POST_OF_BO, LIKES: 63}),
    Case(
        "as_quote_fep_e232.jsonl",
        {**POST_OF_BO}
        | {("post", who, who): 1 for who in ("ana", "cy", "dee")}
        | {("quote", who, "bo"): 1 for who in ("ana", "cy", "dee")},
    ),
    Case("as_mastodon_delete_untimed.jsonl", POST_OF_BO, {"ignored": 2}),
    Case(
        "as_mastodon_inbox_untimed.jsonl",
        {**POST_OF_BO, ("reshare", "dee", "bo"): 1},
        {"unresolved": 2},
        unresolved=[NO_TIME, NO_TIME],
    ),
    Case("as_times.jsonl", {**POST_OF_BO, LIKES: 8}, {"rejected": 5}),
    Case("as_lone_surrogate.jsonl", {**POST_OF_BO, ("reply", "ana", "bo"): 1, LIKES: 30}),
    of_github("gh_same_event_in_two_hours", {LIKES: 40}, {"repeated": 5}),
    of_github("gh_zero_padded", {LIKES: 24}),
    of_github("gh_two_on_a_line", {LIKES: 6}),
    of_github("gh_json_array", {LIKES: 5}),
    of_github("gh_bigquery_export", {LIKES: 5, ("reply", "dee", "cy"): 1}),
    of_github("gh_torn_and_nul", {LIKES: 57}, {"rejected": 2}),
    of_github("gh_null_actor", {LIKES: 60}, {"rejected": 2, "unresolved": 1}, unresolved=[NO_TARGET]),
    of_github("gh_lone_surrogate", {("reply", "ana", "bo"): 1, LIKES: 30}),
    of_reddit(
        "reddit_parent_id_number.jsonl",
        {
            ("post", "ana", "ana"): 1,
            ("reply", "bo", "ana"): 1,
            ("reply", "cy", "bo"): 1,
            ("reply", "ana", "cy"): 1,
            ("reply", "dee", "bo"): 1,
        },
    ),
    of_reddit(
        "reddit_created_utc_variants.jsonl",
        {("post", "ana", "ana"): 1} | {("reply", who, "ana"): 1 for who in ("bo", "cy", "dee", "eve", "fay", "gus")},
    ),
    of_reddit("reddit_lone_surrogate.jsonl", {("post", "ana", "ana"): 1, ("reply", "*", "ana"): 41}),
    of_reddit("reddit_nan.jsonl", {("post", "ana", "ana"): 1, ("reply", "*", "ana"): 5}),
    of_reddit("reddit_upper_id.jsonl", {("post", "ana", "ana"): 1, ("reply", "bo", "ana"): 1}),
    of_reddit("reddit_kind_data.jsonl", {("post", "ana", "ana"): 1, ("reply", "bo", "ana"): 1}),
    of_reddit(
        "reddit_crosspost.jsonl",
        {("post", who, who): 1 for who in ("ana", "bo", "cy", "dee", "ad")}
        | {("reshare", "bo", "ana"): 1, ("reshare", "cy", "ana"): 1},
        {"unresolved": 1},
        unresolved=["author of what was shared was withdrawn by the platform"],
    ),
    of_reddit(
        "reddit_authors.jsonl",
        {("post", "ana", "ana"): 1, ("post", "cy", "cy"): 1, ("reply", "*", "ana"): 53},
        {"rejected": 2, "unresolved": 4},
        unresolved=[ACTOR_WITHDRAWN] * 3 + ["author of what was acted on is not known"],
    ),
    of_reddit(
        "reddit_api_response.json",
        {("post", "bo", "bo"): 1, ("post", "cy", "cy"): 1},  # what they reply to is not in the file
        {"unresolved": 2},
        unresolved=["author of what was acted on is not known"] * 2,
    ),
    of_reddit(
        "reddit_automoderator.jsonl",
        {("post", "ana", "ana"): 1, ("reply", "AutoModerator", "ana"): 1, ("reply", "bo", "AutoModerator"): 1},
        accounts=[("AutoModerator", "AutoModerator", True)],
    ),
]


@pytest.fixture
def pulled(cases: FindFile, warehouse: Warehouse, tmp_path: Path) -> Callable[..., Pulls]:
    def pull(name: str, type_: str, day: date, **options: Any) -> Pulls:
        made = Pulls(warehouse, tmp_path)
        source = f"fedi:{type_}" if type_ == "activitystreams" else type_
        made(f"{source}={cases(name)}", first_day=day, **options)
        return made

    return pull


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_comes_out_right(case: Case, pulled: Callable[..., Pulls]) -> None:
    pull = pulled(case.name, case.type, case.day, **({"max_reject_share": 1} if "rejected" in case.others else {}))
    assert _acts(pull, case.acts) == case.acts
    outcomes = ("repeated", "rejected", "unresolved", "ignored")
    (counts,) = pull.table(COVERAGE, *(f"{name}_count" for name in outcomes))
    assert {name: count for name, count in zip(outcomes, counts, strict=True) if count} == case.others
    accounts = [(_short(who), *rest) for who, *rest in pull.table(ACCOUNTS, "account_id", "handle", "is_bot")]
    assert accounts == case.accounts
    reasons = [reason for outcome, reason in pull.table(REJECTS, "outcome", "reason") if outcome == "unresolved"]
    assert reasons == case.unresolved


def test_activities_of_extensions_are_counted_by_type(pulled: Callable[..., Pulls]) -> None:
    pull = pulled("as_types_of_extensions.jsonl", "activitystreams", DAY)
    assert pull.table(COVERAGE, "reason") == [
        (
            "ignored, of unknown types: AnnounceRequest (1), Bite (1), FeatureRequest (1), LikeRequest (1),"
            " QuoteRequest (1), ReplyRequest (1)",
        )
    ]


def test_times_that_rfc_3339_does_not_know_are_rejected(pulled: Callable[..., Pulls]) -> None:
    pull = pulled("as_times.jsonl", "activitystreams", DAY, max_reject_share=1)
    assert pull.table(REJECTS, "line", "reason") == [(line, NOT_RFC_3339) for line in (7, 8, 12, 13, 14)]


def test_a_leap_second_is_of_the_day_it_ends(pulled: Callable[..., Pulls]) -> None:
    pull = pulled("as_times.jsonl", "activitystreams", date(2016, 12, 31), max_reject_share=1)
    assert _acts(pull, {LIKES: 1}) == {LIKES: 1}


def test_hours_that_are_missing_are_named(pulled: Callable[..., Pulls]) -> None:
    pull = pulled("gh_same_event_in_two_hours", "gharchive", DAY)
    ((status, reason),) = pull.table(COVERAGE, "status", "reason")
    assert status == "partial"
    assert "22 of 24 hours are missing: 2026-10-05-0, " in reason


def test_a_whole_day_of_hours_named_with_two_digits_lacks_only_what_the_archive_lacks(
    pulled: Callable[..., Pulls],
) -> None:
    pull = pulled("gh_zero_padded", "gharchive", DAY)
    ((_, reason),) = pull.table(COVERAGE, "status", "reason")
    assert "hours are missing" not in reason


def test_a_dictionary_that_is_not_here_is_named(pulled: Callable[..., Pulls]) -> None:
    with pytest.raises(UsageError, match="compressed with a dictionary that is not here"):
        pulled("jetstream_dictionary_frames.jsonl.zst", "jetstream", BLUESKY_DAY)


def _acts(pull: Pulls, expected: Acts) -> Acts:
    found = Counter(pull.table(ACTIVITY, "kind", "actor_id", "target_id"))
    named: Acts = {}
    for (kind, actor, target), count in found.items():
        act = (kind, _short(actor), _short(target))
        act = act if act in expected else (kind, "*", act[2])
        named[act] = named.get(act, 0) + count
    return named


def _short(account: str) -> str:
    """`bo` for `https://m.example/users/bo` and `did:plc:boxxxx...`."""
    match = re.fullmatch(r"(?:https://m\.example/users/|did:plc:)(.+?)x*", account)
    return match[1] if match else account
