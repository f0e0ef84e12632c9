"""From what a person says to what readers of published days see."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from jobs import checks, consent, leaving, publish
from jobs.errors import UsageError
from jobs.people.consent import of_people, row
from jobs.warehouse import digests, histories, publications, runs, suppression
from jobs.warehouse.storage import Warehouse
from schemas.consent import CONSENT
from schemas.histories import HISTORIES
from schemas.influence import INFLUENCE
from schemas.publications import PUBLICATIONS
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.grounds import REASON
from tests.jobs.consenting import BATCH, DAY, DAYS, OFFICIAL, PEOPLE, SAID, TODAY, apply, change, published, say


def import_(warehouse: Warehouse, who: str, scope: str, said: datetime, hours: int) -> dict[str, float]:
    """Imports a word of `twitter:WHO` from a file that says that it is of `said`, that many hours after `SAID`."""
    params = consent.Params(at=SAID + timedelta(hours=hours), by="tests", origin="import")
    return consent.record(warehouse, params, [row(f"twitter:{who}", scope, said.date()) | {"said_at": said}], BATCH)


def now(warehouse: Warehouse, who: str, day: date = TODAY + timedelta(days=9)) -> str:
    return of_people(warehouse, [f"twitter:{who}"], day)[f"twitter:{who}"]


@pytest.mark.parametrize("origin", ["operator", "import"])
def test_an_old_file_overrides_no_later_refusal(night: Warehouse, origin: str) -> None:
    """`twitter:1` refused at `SAID`."""
    params = consent.Params(at=SAID, by="tests", origin=origin)
    consent.record(night, params, [row("twitter:1", "no", DAY)], BATCH)
    before, after = (SAID + timedelta(hours=hours) for hours in (-1, 30))
    assert import_(night, "1", "public", before, 40)["outdated"] == 1
    assert now(night, "1") == "no"
    assert import_(night, "1", "public", after, 41) == {"left": 0, "outdated": 0, "people": 1}
    assert now(night, "1") == "public"


def test_an_old_refusal_in_a_file_overrides_no_later_consent_but_one_of_the_same_day(night: Warehouse) -> None:
    consent.record(
        night, consent.Params(at=SAID, by="tests", origin="operator"), [row("twitter:1", "public", DAY)], BATCH
    )
    assert import_(night, "1", "no", SAID - timedelta(days=1), 40)["outdated"] == 1
    assert now(night, "1") == "public"
    assert import_(night, "1", "no", datetime(2026, 11, 10, tzinfo=UTC), 41)["outdated"] == 0
    assert now(night, "1") == "no"


def test_a_newer_file_corrects_an_older_one_whenever_both_were_imported(night: Warehouse) -> None:
    january, march = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 3))
    import_(night, "1", "audiences", march, 0)
    assert import_(night, "1", "public", january, 1)["outdated"] == 1
    assert import_(night, "1", "public", march, 2)["outdated"] == 0
    assert now(night, "1") == "public"


def test_nobody_is_published_who_did_not_agree(night: Warehouse) -> None:
    assert change(night) == {"people": 0, "withheld": 4}
    assert published(night) == []
    assert publications.current(night, OFFICIAL.version, DAY) is None


def test_people_who_agreed_are_published_unchanged_and_on_which_ground_is_recorded(night: Warehouse) -> None:
    say(night, n1="public", n2="audiences", n3="no")
    assert change(night) == {"people": 1, "withheld": 3}
    place = {"day": DAY, "person_id": "twitter:1"}
    assert night.read(SCORES, place).to_pylist() == night.read(INFLUENCE, place).to_pylist()
    (recorded,) = night.read(PUBLICATIONS).to_pylist()
    assert (recorded["ground"], recorded["people"], recorded["influence"]) == ("consent", 1, 5.0)
    (run,) = night.read(RUNS, {"job": "publish"}).to_pylist()
    assert f'"consent": {night.version(CONSENT)}' in run["inputs"]


def test_the_consent_of_the_day_of_publication_counts_not_that_of_the_scored_day(night: Warehouse) -> None:
    say(night, n1="public")
    assert change(night, today=DAY)["people"] == 0
    assert change(night, today=TODAY)["people"] == 1


def test_on_a_legal_basis_everybody_is_published_but_people_who_refused(night: Warehouse) -> None:
    say(night, n3="no")
    by = consent.Params(at=SAID + timedelta(hours=1), by="ana", origin="operator")
    consent.record_basis(night, by, REASON, BATCH)
    assert change(night) == {"people": 3, "withheld": 1}
    assert "twitter:3" not in published(night)
    assert night.read(PUBLICATIONS).to_pylist()[0]["ground"] == REASON


def test_who_no_longer_agrees_leaves_every_published_day_and_nobody_else_moves(night: Warehouse) -> None:
    say(night, n1="public", n2="public")
    for day in DAYS:
        change(night, day=day)
    say(night, 1, n1="self")
    before = night.read(SCORES, {"person_id": "twitter:2"}).sort_by("day").to_pylist()
    assert apply(night) == [(DAYS[1], 1), (DAYS[0], 1)]
    assert [published(night, day) for day in DAYS] == [["twitter:2"], ["twitter:2"]]
    assert night.read(SCORES).sort_by("day").to_pylist() == before
    assert apply(night) == []  # there is nothing left to do, and no run to record
    assert night.row_count(RUNS, {"job": "consent"}) == 2
    restated = night.read(RESTATEMENTS, {"day": DAY}).to_pylist()
    assert [(each["people_gone"], each["people_moved"], each["why"]) for each in restated] == [
        (1, 0, '{"change": "consent ended"}')
    ]


def test_a_consent_that_ends_on_a_day_leaves_when_that_day_comes(night: Warehouse) -> None:
    params = consent.Params(at=SAID, by="tests", origin="import")
    consent.record(night, params, [row("twitter:1", "public", TODAY, TODAY + timedelta(days=2))], BATCH)
    change(night)
    assert apply(night, TODAY + timedelta(days=1)) == []
    assert apply(night, TODAY + timedelta(days=2)) == [(DAY, 1)]
    assert published(night) == []


def test_who_no_longer_agrees_leaves_every_table_of_readers(night: Warehouse, arrow_rows: ArrowRows) -> None:
    """Also their copies, and why a score changed, where they may have no score any more."""
    say(night, n1="public", n2="public")
    for day in DAYS:
        change(night, day=day)
    later = date(2026, 12, 1)  # histories are of past months
    rows = arrow_rows(SCORES, [{"person_id": "twitter:2", "day": later}])
    night.replace(SCORES, rows, {"methodology": OFFICIAL.version, "day": later}, run_id="r", job="publish")
    histories.make_copies(night, run_id="r")
    moved = [{"person_id": who, "day": DAYS[1], "since_day": DAY, "reason": "engager_left"} for who in PEOPLE[1:3]]
    place = {"methodology": OFFICIAL.version, "day": DAYS[1]}
    night.replace(SCORE_CHANGES, arrow_rows(SCORE_CHANGES, moved), place, run_id="r", job="j")
    assert night.row_count(HISTORIES, {"person_id": "twitter:1"}) == 2
    say(night, 1, n1="no")
    apply(night)
    for table in (SCORES, HISTORIES, SCORE_CHANGES):
        assert "twitter:1" not in night.read(table)["person_id"].to_pylist()
    assert night.read(SCORE_CHANGES)["person_id"].to_pylist() == ["twitter:2"]


@pytest.mark.parametrize("recomputed", [False, True], ids=["from influence", "from replaced files"])
def test_no_restoration_brings_back_who_left(night: Warehouse, arrow_rows: ArrowRows, recomputed: bool) -> None:
    say(night, n1="public", n2="public")
    change(night)
    change(night, publish.unpublish)
    say(night, 1, n1="no")
    if recomputed:
        rows = arrow_rows(INFLUENCE, [{"person_id": who, "day": DAY, "influence": 6.0} for who in PEOPLE])
        night.replace(INFLUENCE, rows, {"methodology": OFFICIAL.version, "day": DAY}, run_id="r", job="influence")
    change(night, publish.restore)
    assert published(night) == ["twitter:2"]
    assert night.read(SCORES)["influence"].to_pylist() == [5.0]


def test_a_restoration_undoes_the_change_before_somebody_left(night: Warehouse, arrow_rows: ArrowRows) -> None:
    say(night, n1="public", n2="public")
    change(night)
    change(night, publish.unpublish)
    change(night, publish.restore)
    say(night, 1, n1="no")
    assert apply(night) == [(DAY, 1)]
    history = publications.history(night, OFFICIAL.version, DAY)
    assert [each.change for each in history] == ["publish", "unpublish", "restore", "consent"]
    assert publications.origin(history).change == "publish"


def test_bounds_compare_everybody_who_was_scored_whoever_agreed(night: Warehouse) -> None:
    """Else the first person who agrees would make a day look as if it had lost all others."""
    say(night, n1="public")
    change(night)
    params = checks.Params(day=DAYS[1], methodology=OFFICIAL.version)
    (figures,) = checks.published_before(night, params).values()
    assert (figures.people, figures.influence) == (4, 20.0)


def test_a_run_that_died_between_the_days_is_continued_by_the_next(night: Warehouse) -> None:
    say(night, n1="public", n2="public")
    for day in DAYS:
        change(night, day=day)
    say(night, 1, n1="no")
    assert next(consent.apply(night, TODAY, BATCH))[0].day == DAYS[1]
    assert apply(night) == [(DAYS[0], 1)]


@pytest.mark.parametrize("how", [publish.run, publish.restore], ids=["publish", "restore"])
def test_when_somebody_left_for_good_the_others_can_be_published_as_before(
    night: Warehouse, monkeypatch: pytest.MonkeyPatch, how: Callable[..., Any]
) -> None:
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    place = {"methodology": OFFICIAL.version, "day": DAY}
    scored = {"influence_digest": digests.of_stream(INFLUENCE, night.reader(INFLUENCE, place))}
    with runs.recorded(night, runs.INFLUENCE, DAY, BATCH, methodology=OFFICIAL.version, **scored):
        pass
    say(night, n0="public", n1="public")
    change(night)
    change(night, publish.unpublish)
    leaving.forget(night, leaving.Params(people=("twitter:1",), at=SAID), BATCH)
    change(night, how)
    assert published(night) == ["twitter:0"]


def test_nothing_is_recorded_of_who_left(night: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next file of the operator would name them again."""
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    suppression.record(night, ["twitter:1"], at=SAID, run_id="r")
    params = consent.Params(at=SAID, by="tests", origin="import")
    given = [row(who, "public", TODAY) for who in PEOPLE]
    assert consent.record(night, params, given, BATCH) == {"people": 3, "left": 1, "outdated": 0}
    assert "twitter:1" not in night.read(CONSENT)["person_id"].to_pylist()


def test_nothing_is_recorded_of_a_file_with_a_fault(night: Warehouse) -> None:
    version = night.version(CONSENT)

    def given() -> Iterator[dict[str, Any]]:
        yield row("twitter:1", "public", TODAY)
        yield row("nobody", "public", TODAY)

    with pytest.raises(UsageError, match="'nobody' is no person_id"):
        consent.record(night, consent.Params(at=SAID, by="tests", origin="import"), given(), BATCH)
    assert night.version(CONSENT) == version
