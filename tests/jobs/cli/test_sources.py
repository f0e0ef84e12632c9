"""`clout sources` and `clout population suggest`: what sources need, how their pulls went, whom to ask about next."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jobs.cli import source_status
from jobs.places import landing
from jobs.sources.entries import read
from jobs.sources.live import population
from jobs.sources.live.population import Member
from jobs.sources.types import TYPES
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.consent import CONSENT
from schemas.coverage import COVERAGE
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows
from tests.jobs.cli.result import RunClout

TODAY = date(2026, 11, 4)
DAYS = [TODAY - timedelta(days=n) for n in range(7, 0, -1)]
SOURCES = """
- {source: hn, type: hackernews, budget: {requests: 900}}
- {source: old:higgs=/absent, to: 2026-10-31}
- {source: bsky:bluesky=, enabled: false}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sources.yaml"
    path.write_text(SOURCES)
    monkeypatch.setenv("CLOUT_SOURCES", str(path))
    return path


@pytest.fixture
def pulled(warehouse: Warehouse, arrow_rows: ArrowRows) -> Warehouse:
    """Two days of Hacker News: one complete, then one partial of one of two platforms."""

    def run(number: int, **columns: object) -> dict:
        started = datetime(2026, 11, 4, number, tzinfo=UTC)
        ended = started + timedelta(minutes=90)
        parameters = json.dumps({"source": "hn"})
        return {
            "run_id": f"r{number}",
            "job": "pull_activity",
            "started_at": started,
            "finished_at": ended,
            "parameters": parameters,
            **columns,
        }

    days = [
        {"day": DAYS[5], "platform": "hackernews", "source": "hn", "act_count": 8000},
        {"day": DAYS[6], "platform": "hackernews", "source": "hn", "status": "partial"},
        {"day": DAYS[6], "platform": "another", "source": "hn"},
    ]
    runs = [
        run(2, day=DAYS[6], status="done", counts=json.dumps({"acts": 7, "requests": 811})),
        run(1, day=DAYS[5], status="failed", counts=None),
    ]
    for table, rows in ((COVERAGE, days), (RUNS, runs)):
        warehouse.replace(table, arrow_rows(table, rows), {}, run_id="r", job="j")
    return warehouse


def test_each_entry_says_how_its_last_pulls_went_and_what_it_lacks(file: Path, pulled: Warehouse) -> None:
    rows = {row["source"]: row for row in source_status.status(read(file), file.parent, pulled, TODAY)}
    assert rows["hn"] | {"asks": "", "terms": ""} == {
        "source": "hn", "type": "hackernews", "enabled": True, "asks": "", "terms": "",
        "last_pull": datetime(2026, 11, 4, 2, tzinfo=UTC), "last_status": "done", "last_minutes": 90, "day": None,
        "days": {"missing": 5, "complete": 1, "partial": 1}, "requests": 811, "budget": 900, "needs": [],
    }  # fmt: skip
    assert rows["old"]["days"] == {"missing": 4}  # of the last seven days the entry has four
    assert "/absent" in rows["old"]["needs"][0]
    assert (rows["bsky"]["enabled"], rows["bsky"]["days"], rows["bsky"]["last_pull"]) == (False, {}, None)


def test_every_type_is_listed_whether_it_has_an_entry_or_not(file: Path) -> None:
    rows = source_status.status(read(file), file.parent, None, TODAY)
    assert {row["type"] for row in rows} == set(TYPES)
    assert all(row["asks"] for row in rows)
    assert [row["source"] for row in rows if row["enabled"] is not None] == ["hn", "old", "bsky"]


def test_the_table_and_its_json(clout: RunClout, file: Path, pulled: Warehouse) -> None:
    shown = clout("sources")
    assert shown.code == 0
    assert "0 of 900" in shown.out  # today's days were not pulled
    assert "asks the whole platform" in shown.out
    assert "its last pull took" not in shown.out
    assert {row["type"] for row in json.loads(clout("sources", "--json").out)} == set(TYPES)


@pytest.mark.parametrize(
    ("count", "budget", "takes", "needs"),
    [
        (1_000, "", "15,000 requests and 4.2 hours", []),
        (2_000, "", "30,000 requests and 8.3 hours", ["`budget: {requests: 30000, minutes: 500}`"]),
        (2_000, "budget: {requests: 30000}", "30,000 requests and 8.3 hours", ["`budget: {requests: 30000, minutes: 500}`"]),
        (2_000, "budget: {requests: 40000, minutes: 500}", "30,000 requests and 8.3 hours", []),
        (100, "budget: {minutes: 20}", "1,500 requests and 25 minutes", ["`budget: {requests: 18000, minutes: 25}`"]),
    ],
)  # fmt: skip
def test_the_length_of_a_night_follows_from_the_population(
    clout: RunClout, file: Path, count: int, budget: str, takes: str, needs: list[str]
) -> None:
    """And a budget that a day does not fit into is named, with one that fits."""
    later = "\t2099-01-01\n"  # not asked yet
    (file.parent / "people.tsv").write_text("".join(f"user{n}\n" for n in range(count)) + f"late{later}")
    ask = "ask: {instance: https://social.example, accounts: people.tsv}"
    file.write_text(f"- {{source: home, type: mastodon, {ask}{', ' if budget else ''}{budget}}}\n")
    (row,) = [row for row in json.loads(clout("sources", "--json").out) if row["source"] == "home"]
    assert row["day"] == {"members": count, "requests": 15 * count, "minutes": count / 4}
    assert [need.partition(", or")[0] for need in row["needs"] if "budget" in need] == needs
    assert f"a day takes up to {takes}" in clout("sources").out


def test_a_population_that_cannot_be_read_is_reported(clout: RunClout, file: Path) -> None:
    file.write_text("- {source: gh, type: github, ask: {repositories: absent.tsv}}\n")
    (row,) = [row for row in json.loads(clout("sources", "--json").out) if row["source"] == "gh"]
    assert row["day"] is None
    assert "absent.tsv" in row["needs"][-1]


def test_a_wrong_file_is_reported(clout: RunClout, file: Path) -> None:
    file.write_text("- {source: a, type: myspace}\n")
    assert clout("sources").code == 2


# Populations


@pytest.fixture
def engaged(warehouse: Warehouse, arrow_rows: ArrowRows) -> Warehouse:
    """`tech`, of population ana and Bo, on two days. eve engaged with two people, dan with one on both days."""
    for day in DAYS[5:]:
        folder = landing(warehouse.root) / "tech" / str(day)
        population.of_day(folder, day, [Member("ana"), Member("https://x.example/@Bo"), Member("Cy")])
    acts = [
        (5, "https://x.example/@eve", "ana"), (5, "https://x.example/@eve", "https://x.example/@Bo"),
        (5, "dan", "ana"), (6, "dan", "ana"), (6, "dan", "dan"),
        (6, "ana", "dan"), (6, "https://x.example/@bo", "dan"), (6, "https://y.example/117", "dan"),
    ]  # fmt: skip
    rows = [
        {
            "day": DAYS[day],
            "source": "tech",
            "actor_id": actor,
            "target_id": target,
            "activity_id": f"a{number}",
            "pull": str(day),
        }
        for number, (day, actor, target) in enumerate(acts)
    ] + [{"day": DAYS[6], "source": "other", "actor_id": "zoe", "target_id": "ana", "activity_id": "z", "pull": "o"}]
    warehouse.replace(ACTIVITY, arrow_rows(ACTIVITY, rows), {}, run_id="r", job="j")
    known = {"https://x.example/@eve": "eve@x.example", "https://y.example/117": "cy@y.example"}
    accounts = [
        {"day": DAYS[6], "source": "tech", "account_id": name, "handle": handle, "pull": "6"}
        for name, handle in known.items()
    ]
    warehouse.replace(ACCOUNTS, arrow_rows(ACCOUNTS, accounts), {}, run_id="r", job="j")
    covered = [{"day": DAYS[n], "source": "tech", "pull": str(n)} for n in (5, 6)]
    covered += [{"day": DAYS[6], "source": "other", "pull": "o"}]
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, covered), {}, run_id="r", job="j")
    return warehouse


def test_those_outside_who_engage_most_are_suggested_and_nobody_is_added(clout: RunClout, engaged: Warehouse) -> None:
    rows = source_status.suggested(engaged, "tech", 30, 20)
    assert [tuple(row.values()) for row in rows] == [
        ("https://x.example/@eve", "eve@x.example", 2, 2, 1),
        ("dan", None, 1, 2, 2),
    ]
    assert [row["account_id"] for row in source_status.suggested(engaged, "tech", 1, 20)] == ["dan"]
    assert len(source_status.suggested(engaged, "tech", 30, 1)) == 1
    shown = clout("population", "suggest", "tech")
    assert (shown.code, "@eve" in shown.out) == (0, True)
    assert json.loads(clout("population", "suggest", "tech", "--json").out) == rows


def test_who_refused_to_be_shown_is_not_suggested(engaged: Warehouse, arrow_rows: ArrowRows) -> None:
    refused = arrow_rows(CONSENT, [{"person_id": "twitter:dan", "scope": "no"}])
    engaged.append(CONSENT, refused, {}, run_id="r", job="j")
    assert [row["account_id"] for row in source_status.suggested(engaged, "tech", 30, 20)] == ["https://x.example/@eve"]


def test_a_source_without_a_population_has_none_to_suggest(clout: RunClout, engaged: Warehouse) -> None:
    refused = clout("population", "suggest", "other")
    assert refused.code == 2
    assert "other: was never pulled with a population" in refused.err


@pytest.mark.parametrize(("hours", "text"), [(None, ""), (0.2, "0 h ago"), (47, "47 h ago"), (72, "3 d ago")])
def test_how_long_ago(hours: float | None, text: str) -> None:
    now = datetime(2026, 11, 4, tzinfo=UTC)
    assert source_status.ago(now, None if hours is None else now - timedelta(hours=hours)) == text
