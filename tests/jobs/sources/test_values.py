"""What platforms send as ids and times, and what becomes of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.sources.page import Rejected
from jobs.sources.values import (
    account_id,
    dated,
    derived_id,
    from_iso,
    from_micros,
    from_seconds,
    json_object,
    shown,
    within,
)

NOON = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ana", "ana"),
        (7, "7"),
        (2**63, str(2**63)),  # above a 64-bit integer with a sign
        ("Ana Bo", "Ana Bo"),
        ("👩\u200d🔬", "👩\u200d🔬"),  # joined by a character that is not printable, and no control character
        ("x" * 2048, "x" * 2048),
    ],
)
def test_ids_are_text(value: str | int, expected: str) -> None:
    assert account_id(value) == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "actor is missing"),
        ("", "actor is missing"),
        (1.5, "actor id is neither a string nor a number"),  # a rounded id would be somebody else's
        (True, "actor id is neither a string nor a number"),
        (["ana"], "actor id is neither a string nor a number"),
        ("an\na", "actor id holds control characters"),
        ("an\x00a", "actor id holds control characters"),
        ("an\ud800a", "actor id holds control characters"),  # half a character: cannot be written as UTF-8
        ("x" * 2049, "actor id is longer than 2048 characters"),
    ],
)
def test_what_cannot_be_an_id_is_rejected(value: object, reason: str) -> None:
    with pytest.raises(Rejected) as fault:
        account_id(value)
    assert (fault.value.reason, fault.value.occurred_at) == (reason, None)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (from_seconds, NOON // 1_000_000),
        (from_seconds, NOON / 1_000_000),
        (from_seconds, str(NOON // 1_000_000)),
        (from_seconds, b"%d" % (NOON // 1_000_000)),
        (from_micros, NOON),
        (from_iso, "2026-11-03T12:00:00Z"),
        (from_iso, "2026-11-03t12:00:00z"),  # RFC 3339 allows small letters
        (from_iso, "2026-11-03T12:00:00"),  # without an offset: UTC
        (from_iso, "2026-11-03T05:00:00-07:00"),
        (from_iso, "2026-11-03T12:00:00.000000999Z"),  # nanoseconds are cut
    ],
)
def test_every_way_to_write_noon(read: Callable[..., Any], value: float | str | bytes) -> None:
    assert read(value) == NOON


def test_microseconds_are_kept() -> None:
    assert from_iso("2026-11-03T12:00:00.123457Z") == NOON + 123_457
    assert from_seconds(NOON / 1_000_000 + 0.25) == NOON + 250_000


@pytest.mark.parametrize(
    ("read", "value", "reason"),
    [
        (from_seconds, None, "time is not a number of seconds"),
        (from_seconds, True, "time is not a number of seconds"),
        (from_seconds, "noon", "time is not a number of seconds"),
        (from_seconds, "9" * 5000, "time is not a number of seconds"),  # more digits than Python converts
        (from_seconds, float("nan"), "time is out of range"),
        (from_seconds, float("inf"), "time is out of range"),
        (from_seconds, -1, "time is out of range"),
        (from_seconds, NOON, "time is out of range"),  # microseconds sent as seconds
        (from_micros, NOON / 1, "time is not a number of microseconds"),
        (from_micros, NOON // 1_000_000, "time is out of range"),  # seconds sent as microseconds
        (from_iso, 2026, "time is not a text"),
        (from_iso, "yesterday", "time is not an RFC 3339 time"),
        (from_iso, "2026-02-30T00:00:00Z", "time is not an RFC 3339 time"),
        (from_iso, "2026-11-03T12:00:00." + "0" * 99 + "Z", "time is not an RFC 3339 time"),  # would fill a cache
        (from_iso, "0001-01-01T00:00:00+23:59", "time is out of range"),  # before the first year, in UTC
        (from_iso, "1989-12-31T23:59:59Z", "time is out of range"),
        (from_iso, "2100-01-01T00:00:00Z", "time is out of range"),
    ],
)
def test_impossible_times_are_rejected(read: Callable[..., Any], value: object, reason: str) -> None:
    with pytest.raises(Rejected) as fault:
        read(value)
    assert fault.value.reason == reason


def test_acts_of_one_second_derive_one_id() -> None:
    ana_to_bo = derived_id("ana", "bo", NOON)
    assert ana_to_bo == derived_id("ana", "bo", NOON + 999_999)
    others = [derived_id("ana", "bo", NOON + 1_000_000), derived_id("bo", "ana", NOON), derived_id("an", "abo", NOON)]
    assert len({ana_to_bo, *others}) == 4
    assert ana_to_bo == "derived:7ab3ea8d309c09b454c0c57e"  # the same on every machine and day


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "line is not JSON"),
        (b'{"a": 1', "line is not JSON"),
        (b'{"a": "\xff"}', "line is not JSON"),
        ('{"a": 1}'.encode("utf-16"), "line is not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "line is not JSON"),  # more digits than Python converts
        (b"[" * 100_000, "line is not JSON"),  # must not exhaust the stack
        (b"[1]", "line is not a JSON object"),
        (b"1", "line is not a JSON object"),
    ],
)
def test_lines_that_are_no_object_are_rejected(line: bytes, reason: str) -> None:
    with pytest.raises(Rejected) as fault:
        json_object(line)
    assert fault.value.reason == reason


def test_going_down_keys_meets_anything() -> None:
    value = json_object(b'{"a": {"b": 0}, "c": [1]}')
    assert [
        within(value, "a", "b"),
        within(value, "a", "x"),
        within(value, "c", "b"),
        within(value, "a", "b", "c"),
    ] == [
        0,
        None,
        None,
        None,
    ]


def test_a_fault_has_the_time_of_its_line() -> None:
    with pytest.raises(Rejected) as fault, dated(NOON):
        account_id(None)
    assert (fault.value.reason, fault.value.occurred_at) == ("actor is missing", NOON)


def test_names_that_cannot_be_shown_are_unknown() -> None:
    assert [shown(name) for name in ("Ana", "👩\u200d🔬", "", None, 7, "a\x1bb", "x" * 2049)] == [
        "Ana",
        "👩\u200d🔬",
        *[None] * 5,
    ]


@pytest.mark.parametrize(
    "line", [b'{"a": "cut \\ud83d", "b": 1}', b'{"a": NaN, "b": 1}', b'{"a": "\\udc00\\ud800", "b": 1}']
)
def test_half_a_surrogate_pair_and_nan_are_in_texts_that_nobody_scores(line: bytes) -> None:
    assert json_object(line)["b"] == 1
    with pytest.raises(Rejected):
        account_id(json_object(line)["a"])  # but never in an id


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z"),  # RFC 3339 section 5.6; stays on its day
        ("2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999999Z"),
        ("2016-12-31T15:59:60-08:00", "2016-12-31T23:59:59.999999Z"),
    ],
)
def test_a_leap_second_is_a_time(value: str, expected: str) -> None:
    assert from_iso(value) == from_iso(expected)


@pytest.mark.parametrize("value", ["2026-10-05", "2026-W41-1", "2026-10-05T24:00:00Z", "2026-10-05T10:00:61Z"])
def test_what_python_reads_but_rfc_3339_does_not_is_no_time(value: str) -> None:
    with pytest.raises(Rejected, match="time is not an RFC 3339 time"):
        from_iso(value)


def test_seconds_may_be_text_of_a_fraction() -> None:
    assert from_seconds("1673784003.0") == from_seconds(1673784003) == from_seconds(b"1673784003")
