"""Somebody leaves whose name is an ordinary word, or is in texts that operators wrote, or in a file that nobody can read."""

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from jobs import leaving
from jobs.leaving import TracesError
from jobs.people import byte_search, free_texts
from jobs.people.byte_search import Searched, Sought
from jobs.places import landing
from jobs.sources.live.recording import Cursor, Recording
from jobs.warehouse import suppression
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.legal_bases import LEGAL_BASES
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
BATCH = Batch("test")
WORDS = ["coverage", "created_at", "like"]

LivedIn = Callable[[str], Warehouse]


@pytest.fixture
def lived_in(warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch) -> LivedIn:
    """`lived_in(name)`: a warehouse in which an account of this id likes content of bo, and owns a repository."""
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)

    def made(name: str) -> Warehouse:
        place = {"platform": "x", "day": DAY, "source": "x"}
        acts = [
            {**place, "activity_id": "1", "actor_id": name, "target_id": "bo", "object_id": "bo/shed"},
            {**place, "activity_id": "2", "actor_id": "bo", "target_id": "ana", "object_id": f"{name}/garden#1"},
        ]
        warehouse.append(ACTIVITY, arrow_rows(ACTIVITY, acts), {}, run_id="r", job="j")
        warehouse.append(COVERAGE, arrow_rows(COVERAGE, [{**place, "pull": None}]), {}, run_id="r", job="j")
        accounts = [
            {**place, "account_id": who, "handle": who.title(), "display_name": f"fan of {name}"}
            for who in (name, "bo")
        ]
        warehouse.append(ACCOUNTS, arrow_rows(ACCOUNTS, accounts), {}, run_id="r", job="j")
        recorded = Recording(landing(warehouse.root) / "x" / str(DAY), "page")
        recorded.add(
            [
                {
                    "type": "like",
                    "created_at": "2026-11-03",
                    "coverage": 1,
                    "login": "ana",
                    "url": f"https://x.example/{name}/garden",
                },
                {"type": "like", "created_at": "2026-11-03", "login": name},
            ],
            Cursor(None, True),
        )
        return warehouse

    return made


def forget(warehouse: Warehouse, name: str) -> dict:
    return leaving.forget(warehouse, leaving.Params(people=(f"x:{name}",), at=NOON), BATCH)


@pytest.mark.parametrize("name", ["coverage", "created_at"])
def test_who_is_called_like_an_ordinary_word_can_leave_and_takes_nobody_along(lived_in: LivedIn, name: str) -> None:
    warehouse = lived_in(name)
    certificate = forget(warehouse, name)
    (act,) = warehouse.read(ACTIVITY).to_pylist()
    assert (act["actor_id"], act["object_id"].partition("/")[2]) == ("bo", "garden#1")
    assert name not in act["object_id"]
    (item,) = Recording(landing(warehouse.root) / "x" / str(DAY), "page").items
    kept = json.loads(item)
    assert [kept[key] for key in ("type", "created_at", "coverage", "login")] == ["like", "2026-11-03", 1, "ana"]
    assert name not in kept["url"]
    assert set(certificate["searched_for"].values()) == {byte_search.AT_PLACES}


def test_the_certificate_says_how_each_name_was_searched_and_names_nobody(lived_in: LivedIn) -> None:
    certificate = forget(lived_in("anastasia"), "anastasia")
    left = suppression.hashed(bytes.fromhex("7" * 64), "x:anastasia")
    assert certificate["searched_for"] == {
        left: byte_search.EVERYWHERE,
        suppression.hashed(bytes.fromhex("7" * 64), "x:Anastasia"): byte_search.EVERYWHERE,
    }
    assert "nastasia" not in json.dumps(certificate, default=str)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    ("content", "is_trace"),
    [
        ('{{"login": "{}"}}', True), ('{{"a": "{{\\"login\\": \\"{}\\"}}"}}', True), ('{{"to": ["ana", "{}"]}}', True),
        ("see https://x.example/@{} now", True), ("https://x.example/users/{}/9", True),
        ('{{"name": "{}/garden"}}', True), ('{{"{}": 1, "type": "{}", "note": "I {} it"}}', False),
        ("the {} of a day", False), ("https://x.example/pages/9/{}", False), ('{{"login": "{}s"}}', False),
    ],
)  # fmt: skip
def test_an_ordinary_word_is_a_trace_only_where_a_name_must_be(
    tmp_path: Path, word: str, content: str, is_trace: bool
) -> None:
    text = content.replace("{}", word).replace("{{", "{").replace("}}", "}").encode()
    for name, data in (("plain.json", text), ("packed.zst", zstd.compress(text + b"\n"))):
        (tmp_path / name).write_bytes(data)
        found = list(byte_search.traces(tmp_path, Sought([f"x:{word}"], {"x": [word]}), Searched()))
        assert [trace.path.name for trace in found] == [name] * is_trace
        (tmp_path / name).unlink()


def test_what_operators_wrote_about_who_left_is_erased(lived_in: LivedIn, arrow_rows: ArrowRows) -> None:
    warehouse = lived_in("anastasia")
    why = {"why": "Anastasia asked (x:anastasia), not Anastasia-Marie", "run_id": "r"}
    warehouse.append(PUBLICATIONS, arrow_rows(PUBLICATIONS, [{"day": DAY, **why}]), {}, run_id="r", job="j")
    basis = {"reason": "agreement with @anastasia", "recorded_by": "anastasia"}
    warehouse.append(LEGAL_BASES, arrow_rows(LEGAL_BASES, [basis]), {}, run_id="r", job="j")
    run = {
        "run_id": "o",
        "day": DAY,
        "parameters": json.dumps({"anastasia": "for anastasia", "places": ["x=anastasia"]}),
    }
    warehouse.append(RUNS, arrow_rows(RUNS, [run, {"run_id": "p", "day": DAY}]), {}, run_id="r", job="j")
    with pytest.raises(TracesError, match="runs"):  # the key of JSON, which clout never writes
        forget(warehouse, "anastasia")
    assert warehouse.read(PUBLICATIONS)["why"].to_pylist() == ["(erased) asked ((erased)), not Anastasia-Marie"]
    erased = {"reason": "agreement with @(erased)", "recorded_by": "(erased)"}
    assert erased in warehouse.read(LEGAL_BASES).select(["reason", "recorded_by"]).to_pylist()
    (erased,) = warehouse.read(RUNS, {"run_id": "o"}).to_pylist()
    assert json.loads(erased["parameters"]) == {"anastasia": "for (erased)", "places": ["x=(erased)"]}
    assert warehouse.row_count(RUNS, {"run_id": "p"}) == 1


def test_ordinary_words_stay_in_texts() -> None:
    names = free_texts.Names(["coverage", "ana\u00efs"])
    assert names.without("no coverage for ana\u00efs (ana%C3%AFs)") == "no coverage for (erased) ((erased))"


def test_others_keep_their_accounts_without_the_name_and_the_digest_says_so(lived_in: LivedIn) -> None:
    warehouse = lived_in("anastasia")
    forget(warehouse, "anastasia")
    (account,) = warehouse.read(ACCOUNTS).to_pylist()
    assert (account["handle"], account["display_name"]) == ("Bo", None)
    (covered,) = warehouse.read(COVERAGE).to_pylist()
    assert covered["accounts_digest"]
    assert covered["activity_digest"]


def test_a_file_or_folder_that_nobody_can_read_is_no_proof(lived_in: LivedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = lived_in("anastasia")
    torn = landing(warehouse.root) / "torn.zst"
    torn.write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(TracesError, match=r"1 files cannot be read, so nobody knows whom they name: .*torn\.zst"):
        forget(warehouse, "anastasia")
    torn.unlink()

    def refused(folder: str | Path) -> Any:
        if str(folder) == str(torn.parent):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(TracesError, match="cannot be read"):
        forget(warehouse, "anastasia")
