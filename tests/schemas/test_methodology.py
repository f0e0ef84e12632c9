"""Every number that shapes a score is there, in range, and named by its version."""

from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.methodology import Methodology, load, parse
from schemas.versions import FOLDER, MethodologyError, official, versions

OFFICIAL = load("2026.11")
TEXT = (FOLDER / "2026.11.yaml").read_text(encoding="utf-8")


def text(**changes: Any) -> str:
    """The first methodology's file, with other values; None leaves one out."""
    values = yaml.safe_load(TEXT) | changes
    return yaml.safe_dump({key: value for key, value in values.items() if value is not None}, sort_keys=False)


def test_the_first_methodology() -> None:
    expected = Methodology(
        version="2026.11",
        equations=1,
        half_life_days=30.0,
        lookback_days=180,
        kind_weights={"quote": 3.0, "reshare": 3.0, "reply": 2.0, "mention": 2.0, "like": 1.0, "follow": 1.0},
        platform_weights={"default": 1.0},
        rest_weight=1.0,
        damping=0.5,
        rounds=3,
        resolution=0.01,
        full_scale=1e7,
    )
    assert expected == OFFICIAL


def test_every_bundled_version_is_valid_and_another_one() -> None:
    """Unknown keys, ranges, and kind weights against specificity are refused when it is loaded."""
    found = [load(version) for version in versions()]
    assert [methodology.version for methodology in found] == ["2026.11", "2026.12", "2026.12.1"]
    assert len({replace(methodology, version="any").fingerprint for methodology in found}) == len(found)


def test_the_proposal_differs_in_platform_weights_alone() -> None:
    proposed = load("2026.12")
    assert replace(OFFICIAL, version="2026.12", platform_weights=proposed.platform_weights) == proposed
    weights = {name: proposed.platform_weight(name) for name in ("twitter", "reddit", "github", "mastodon")}
    assert weights == {"twitter": 0.25, "reddit": 1.0, "github": 4.0, "mastodon": 1.0}


def test_the_next_methodology_differs_in_equations_alone() -> None:
    assert replace(OFFICIAL, version="2026.12.1", equations=2) == load("2026.12.1")
    assert (official(date(2026, 11, 30)), official(date(2026, 12, 1))) == ("2026.11", "2026.12.1")


KINDS = dict(OFFICIAL.kind_weights)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        # keys
        ({"half_live_days": 30}, "half_live_days: Unexpected keyword argument"),
        ({"damping": None}, "damping: Field required"),
        # types
        ({"version": 2026.11}, "version: Input should be a valid string, found 2026.11"),  # YAML reads it as a number
        ({"rounds": 2.5}, "rounds: Input should be a valid integer, found 2.5"),
        ({"rounds": True}, "rounds: Input should be a valid integer, found True"),
        ({"damping": "0.5"}, "damping: Input should be a valid number, found '0.5'"),
        ({"kind_weights": [3]}, r"kind_weights: Input should be a valid dictionary, found \[3\]"),
        ({"kind_weights": KINDS | {"like": "1"}}, "kind_weights like: Input should be a valid number, found '1'"),
        ({"platform_weights": {1: 1.0}}, "platform_weights .*: Input should be a valid string, found 1"),
        # ranges
        ({"equations": 3}, "equations: Input should be 1 or 2, found 3"),
        ({"half_life_days": 0}, "half_life_days: Input should be greater than 0, found 0"),
        ({"half_life_days": float("nan")}, "half_life_days: Input should be a finite number, found nan"),
        ({"lookback_days": 0}, "lookback_days: Input should be greater than or equal to 1, found 0"),
        ({"lookback_days": 3661}, "lookback_days: Input should be less than or equal to 3660, found 3661"),
        ({"rest_weight": -0.1}, "rest_weight: Input should be greater than or equal to 0, found -0.1"),
        ({"damping": 0}, "damping: Input should be greater than 0, found 0"),
        ({"damping": 1.01}, "damping: Input should be less than or equal to 1, found 1.01"),
        ({"rounds": 0}, "rounds: Input should be greater than or equal to 1, found 0"),
        ({"rounds": 4}, "rounds: Input should be less than or equal to 3, found 4"),
        ({"resolution": 0}, "resolution: Input should be greater than 0, found 0"),
        ({"full_scale": 0.01}, "full_scale: expected more than resolution, found 0.01"),
        ({"full_scale": float("inf")}, "full_scale: Input should be a finite number, found inf"),
        ({"answer_days": -1}, "answer_days: Input should be greater than or equal to 0, found -1"),
        ({"answer_days": 62}, "answer_days: Input should be less than or equal to 61, found 62"),
        ({"min_inbound": 0}, "min_inbound: Input should be greater than or equal to 1, found 0"),
        # weights
        ({"kind_weights": {"like": 1}}, r"kind_weights: expected \['quote', 'reshare', .* in this order, found"),
        ({"kind_weights": dict(reversed(KINDS.items()))}, "kind_weights: expected .* in this order"),
        ({"kind_weights": KINDS | {"quote": 2e6}}, "kind_weights quote: Input should be less than or equal to 1000000"),
        ({"kind_weights": KINDS | {"follow": -1}}, "kind_weights follow: Input should be greater than or equal to 0"),
        ({"kind_weights": KINDS | {"like": 2.5}}, "a less specific kind outweighs a more specific one"),
        ({"platform_weights": {"twitter": 1}}, "platform_weights: expected an entry `default`"),
        (
            {"platform_weights": {"default": 1, "x": -1}},
            "platform_weights x: Input should be greater than or equal to 0",
        ),
    ],
)
def test_faults(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(MethodologyError, match=fault):
        parse(text(**changes))


def test_every_fault_is_reported_at_once() -> None:
    with pytest.raises(MethodologyError) as raised:
        parse(text(rounds=9, damping=2, rest_weight=-1))
    assert str(raised.value) == (
        "methodology 2026.11: rest_weight: Input should be greater than or equal to 0, found -1;"
        " damping: Input should be less than or equal to 1, found 2; rounds: Input should be less than or equal to 3, found 9"
    )


@pytest.mark.parametrize("other", ["", "- 1", "text"])
def test_what_is_no_mapping(other: str) -> None:
    with pytest.raises(MethodologyError, match="a methodology is a mapping of names to values"):
        parse(other)


def test_ends_of_ranges_are_allowed() -> None:
    parse(text(damping=1, rest_weight=0, rounds=1, lookback_days=1))
    parse(text(kind_weights=dict.fromkeys(KINDS, 0), platform_weights={"default": 0}))


def test_the_fingerprint_depends_on_values_not_words() -> None:
    """It survives comments, spacing, order, and 30 for 30.0; every value shows in it."""
    rewritten = "# another comment\n\n" + text(half_life_days=30.0, full_scale=10_000_000)
    assert parse(rewritten).fingerprint == OFFICIAL.fingerprint
    one, other = ({"default": 1, "a": 2, "b": 3}, {"b": 3, "a": 2, "default": 1})  # in whatever order they stand
    assert parse(text(platform_weights=one)).fingerprint == parse(text(platform_weights=other)).fingerprint
    others: dict[str, Any] = {
        "version": "other", "equations": 2, "half_life_days": 31.0, "lookback_days": 181,
        "kind_weights": KINDS | {"quote": 4.0}, "platform_weights": {"default": 2.0}, "rest_weight": 2.0, "damping": 0.6,
        "rounds": 2, "resolution": 0.02, "full_scale": 1e8, "answer_days": 8, "min_inbound": 6,
    }  # fmt: skip
    assert set(others) == {field.name for field in fields(Methodology)}
    changed = {replace(OFFICIAL, **{name: value}).fingerprint for name, value in others.items()}
    assert len(changed | {OFFICIAL.fingerprint}) == len(others) + 1


def test_a_version_keeps_its_fingerprint_when_a_field_is_added() -> None:
    """Scores were published under it. A file from before has the field's default."""
    assert OFFICIAL.fingerprint == "d6f6d91f7281df3dc2bd41c8d3dc6367ea89a7b38ca46b21cb3aa525d16d6c49"
    assert parse(text(answer_days=None, min_inbound=None)) == OFFICIAL


def test_window_and_platforms() -> None:
    assert OFFICIAL.first_day(date(2026, 11, 3)) == date(2026, 5, 8)  # 180 days with both ends
    assert replace(OFFICIAL, lookback_days=1).first_day(date(2026, 11, 3)) == date(2026, 11, 3)
    weighed = replace(OFFICIAL, platform_weights={"default": 1.0, "github": 0.5})
    assert (weighed.platform_weight("github"), weighed.platform_weight("twitter")) == (0.5, 1.0)


def test_files_and_versions(tmp_path: Path) -> None:
    (tmp_path / "1.yaml").write_text(text(version="1"))
    (tmp_path / "2.yaml").write_text(text(version="3"))
    assert load("1", tmp_path).version == "1"
    with pytest.raises(MethodologyError, match=r"2\.yaml names version '3', expected '2'"):
        load("2", tmp_path)
    with pytest.raises(MethodologyError, match="methodology '4' is unknown; known: 1, 2"):
        load("4", tmp_path)
