"""A person's own proof, from `clout consent code` through their profile and a pull to what is published."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jobs import checks, consent, publish
from jobs.sources.live import profiles
from jobs.warehouse import links
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.consent import CONSENT
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.links import LINKS
from schemas.methodology import load
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.jobs.cli.result import RunClout
from tests.jobs.sources.mastodon_instance import Instance, at, person, status
from tests.jobs.sources.platform_server import served

DAY = date(2026, 11, 3)
OFFICIAL = load("2026.11")
BATCH = Batch("test")
NAMES = ("ana", "bo", "cy")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    """The instance of three people who are asked, which is the one source."""
    with served() as platform:
        made = Instance(platform, people=[person(number, name) for number, name in enumerate(NAMES, 1)])
        ask = {"instance": platform.url, "accounts": list(NAMES), "only": "all"}
        sources = tmp_path / "sources.yaml"
        sources.write_text(json.dumps([{"source": "home", "type": "mastodon", "ask": ask}]))
        monkeypatch.setenv("CLOUT_SOURCES", str(sources))
        monkeypatch.setenv("CLOUT_CONSENT_KEYS", "7" * 64)
        yield made


def of(name: str) -> str:
    return f"fediverse:https://home.example/users/{name}"


@pytest.fixture
def pull(home: Instance, warehouse: Warehouse, arrow_rows: ArrowRows, clout: RunClout) -> Callable[..., str]:
    """`pull(day, ana={...})`: pulls the day of the instance, where the accounts show this; then publishes November 3."""
    consent.record_basis(warehouse, consent.Params(at=datetime.now(UTC), by="t", origin="operator"), None, BATCH)
    rows = arrow_rows(INFLUENCE, [{"person_id": of(name), "day": DAY} for name in NAMES])
    place = {"methodology": OFFICIAL.version, "day": DAY}
    warehouse.replace(INFLUENCE, rows, place, run_id="r", job="influence")
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{"day": DAY}]), {"day": DAY}, run_id="r", job="j")
    checks.run(warehouse, checks.Params(day=DAY, methodology=OFFICIAL.version), BATCH)

    def pulled(day: date, gone: str = "", **shown: dict) -> str:
        home.people = [
            person(number, name, **shown.get(name, {})) for number, name in enumerate(NAMES, 1) if name != gone
        ]
        home.statuses = [
            status(10 * day.day + number, one, at(1, day), **shown.get(f"post_{one['acct']}", {}))
            for number, one in enumerate(home.people)
        ]
        home.now = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC) + timedelta(days=1)
        result = clout("pull", "--day", str(day), "--source", "home")
        assert result.code == 0, result.err
        return result.out

    return pulled


def published(warehouse: Warehouse, today: date = DAY + timedelta(days=10)) -> list[str]:
    publish.run(warehouse, publish.Params(day=DAY, methodology=OFFICIAL, today=today), BATCH)
    return sorted(warehouse.read(SCORES)["person_id"].to_pylist())


def code(clout: RunClout, name: str, scope: str = "public") -> str:
    result = clout("consent", "code", of(name), "--scope", scope)
    assert result.code == 0, result.err
    return result.out.strip()


def test_whoever_places_their_code_is_published_until_they_remove_it(
    clout: RunClout, pull: Callable[..., str], warehouse: Warehouse
) -> None:
    pull(DAY, ana={"note": f"<p>I paint. {code(clout, 'ana')}</p>"}, bo={"note": "I paint."})
    assert published(warehouse) == [of("ana")]
    (row,) = warehouse.read(CONSENT).to_pylist()
    assert (row["origin"], row["evidence"], row["recorded_by"]) == ("code", "profile: note", "pull of home")
    assert row["recorded_at"] == datetime(2026, 11, 4, 0, 30, tzinfo=UTC)

    said = pull(DAY + timedelta(days=1))
    assert "2026-11-03 (2026.11): 1 people removed, because they do not agree" in said
    assert warehouse.read(SCORES).num_rows == 0
    assert published(warehouse) == []
    pull(DAY)  # from its recording, which still has the code
    assert published(warehouse) == []


def test_a_code_that_refuses_takes_the_person_out_and_a_narrower_one_too(
    clout: RunClout, pull: Callable[..., str], warehouse: Warehouse
) -> None:
    pull(DAY, ana={"note": code(clout, "ana")}, bo={"note": code(clout, "bo")}, cy={"note": code(clout, "cy")})
    assert published(warehouse) == [of(name) for name in NAMES]
    pull(
        DAY + timedelta(days=1),
        ana={"note": f"{code(clout, 'ana')} {code(clout, 'ana', 'no')}"},
        bo={"note": code(clout, "bo", "self")},
        cy={"note": code(clout, "cy")},
    )
    assert sorted(warehouse.read(SCORES)["person_id"].to_pylist()) == [of("cy")]


def test_the_end_of_an_account_ends_its_consent(
    clout: RunClout, pull: Callable[..., str], warehouse: Warehouse
) -> None:
    pull(DAY, ana={"note": code(clout, "ana")}, bo={"note": code(clout, "bo")})
    assert published(warehouse) == [of("ana"), of("bo")]
    pull(DAY + timedelta(days=1), gone="ana", bo={"note": code(clout, "bo")})
    assert warehouse.read(SCORES)["person_id"].to_pylist() == [of("bo")]
    (last,) = warehouse.read(CONSENT, {"person_id": of("ana"), "scope": "no"}).to_pylist()
    assert last["evidence"] == "account: removed"


def test_two_profiles_that_verify_each_other_are_linked_until_one_drops_the_other(
    monkeypatch: pytest.MonkeyPatch, pull: Callable[..., str], warehouse: Warehouse
) -> None:
    monkeypatch.setattr(profiles.Profile, "follow", lambda *_: None)

    def naming(name: str) -> dict:
        link = f'<a href="https://home.example/@{name}" rel="me">me</a>'
        return {"fields": [{"name": "also", "value": link, "verified_at": at(1)}]}

    days = [DAY + timedelta(number) for number in range(4)]
    pull(days[0], ana=naming("bo"), cy=naming("bo"))
    pull(days[1], ana=naming("bo"), bo=naming("ana"))
    pull(days[2], ana=naming("bo"))
    # A pull looks half an hour after its day's end.
    people = [links.at_end_of(day, warehouse).person_of for day in days]
    assert people == [{}, {}, {of("ana"): of("ana"), of("bo"): of("ana")}, {}]
    assert {row["kind"] for row in warehouse.read(LINKS).to_pylist()} == {"rel_me"}


def test_a_code_in_both_profiles_links_them_and_gives_no_consent(
    clout: RunClout, pull: Callable[..., str], warehouse: Warehouse
) -> None:
    made = clout("link", "code", of("bo"), of("ana"))
    assert made.code == 0, made.err
    note = {"note": f"<p>I paint. {made.out.strip()}</p>"}
    pull(DAY, ana=note, cy=note)
    assert links.at_end_of(DAY + timedelta(1), warehouse).person_of == {}
    pull(DAY + timedelta(days=1), ana=note, bo=note)
    assert set(links.at_end_of(DAY + timedelta(2), warehouse).person_of) == {of("ana"), of("bo")}
    assert warehouse.row_count(CONSENT, {}) == 0


def test_nothing_else_on_a_platform_is_ever_read_as_consent(
    clout: RunClout, pull: Callable[..., str], warehouse: Warehouse
) -> None:
    """Not a yes in words or settings, not the code of somebody else, and not a code in a post."""
    yes = {"note": "I consent to being scored: clout-public", "discoverable": True, "indexable": True, "noindex": False}
    everybody = {"fields": [{"name": "clout", "value": "public", "verified_at": at(1)}], "attribution_domains": []}
    pull(
        DAY,
        ana=yes | everybody,
        bo={"note": code(clout, "ana"), "display_name": code(clout, "bo")},
        post_cy={"content": code(clout, "cy"), "spoiler_text": code(clout, "cy")},
    )
    assert warehouse.read(CONSENT).num_rows == 0
    assert published(warehouse) == []


def test_without_a_key_there_is_no_code(clout: RunClout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUT_CONSENT_KEYS", raising=False)
    result = clout("consent", "code", "github:ana", "--scope", "public")
    assert result.code == 2
    assert "set CLOUT_CONSENT_KEYS to a secret key first" in result.err
