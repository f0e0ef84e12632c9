"""`--source` values, and what is wrong with them."""

from datetime import date
from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.sources.higgs import HiggsSource
from jobs.sources.live import recording, snapshots
from jobs.sources.spec import SourceSpec, parse_specs
from jobs.sources.types import TYPES


def test_values_become_sources_in_order_of_first_mention() -> None:
    found = parse_specs(
        ["toots:activitystreams=a=b.jsonl", "higgs=/x", "toots:activitystreams=c", "gharchive", "sample"]
    )
    assert found == (
        SourceSpec("toots", "activitystreams", ("a=b.jsonl", "c")),  # the same ID twice is one source
        SourceSpec("higgs", "higgs", ("/x",)),
        SourceSpec("gharchive", "gharchive", ("",)),  # has a place of its own
        SourceSpec("sample", "sample", ("",)),
    )
    assert parse_specs([value for spec in found for value in spec.arguments]) == found


def test_several_sources_may_be_of_one_platform() -> None:
    found = parse_specs(
        ["mine:activitystreams@mastodon=a", "mine:activitystreams@mastodon=b=@c", "activitystreams@x.y=d"]
    )
    assert found == (
        SourceSpec("mine", "activitystreams", ("a", "b=@c"), "mastodon"),
        SourceSpec("activitystreams", "activitystreams", ("d",), "x.y"),
    )
    assert parse_specs([value for spec in found for value in spec.arguments]) == found


def test_the_platform_is_the_id_where_it_is_not_named(tmp_path: Path) -> None:
    place = tmp_path / "a.jsonl"
    place.touch()
    platforms = [
        spec.open(tmp_path).platforms
        for spec in parse_specs([f"a:activitystreams={place}", f"b:activitystreams@a={place}"])
    ]
    assert platforms == [("a",), ("a",)]


@pytest.mark.parametrize(
    "value", ["a:activitystreams@sample-a={place}", "a:discourse=https://sample-a", "a:stackexchange=sample-a"]
)
def test_real_people_are_of_no_platform_of_the_simulation(tmp_path: Path, value: str) -> None:
    """They would be published without their consent, as people who do not exist."""
    place = tmp_path / "a.jsonl"
    place.touch()
    with pytest.raises(UsageError, match="sample-a: is the platform's name, and `sample-` begins simulated ones"):
        parse_specs([value.format(place=place)])[0].open(tmp_path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["higgs@x=/y"], "--source higgs@x=/y: 'higgs' reads one platform only; leave `@x` out"),
        (
            ["a:activitystreams@=/y"],
            "--source a:activitystreams@=/y: a platform is lower-case letters, digits, `_`, `.` and `-`, at most 64",
        ),
        (
            ["a:activitystreams@B=/y"],
            "--source a:activitystreams@B=/y: a platform is lower-case letters, digits, `_`, `.` and `-`, at most 64",
        ),
        (
            ["a:activitystreams=/x", "a:activitystreams@b=/y"],
            "--source a:activitystreams@b=/y: ID 'a' is already of platform 'a'",
        ),
        (
            ["myspace=x"],
            "--source myspace=x: unknown type 'myspace'; use [ID:]TYPE=WHERE with one of " + ", ".join(TYPES),
        ),
        (["a:=x"], "--source a:=x: unknown type ''; use [ID:]TYPE=WHERE with one of " + ", ".join(TYPES)),
        (["A:higgs=x"], "--source A:higgs=x: an ID is lower-case letters, digits, `_`, `.` and `-`, at most 64"),
        ([":higgs=x"], "--source :higgs=x: an ID is lower-case letters, digits, `_`, `.` and `-`, at most 64"),
        (["higgs"], "--source higgs: say where it is, as higgs=PATH"),
        (["a:reddit=x", "a:higgs=y"], "--source a:higgs=y: ID 'a' is already a source of type 'reddit'"),
        (["higgs=x", "higgs=x"], "--source higgs=x: given twice"),
    ],
)
def test_malformed_values_are_reported(values: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_specs(values)
    assert str(error.value) == message


@pytest.mark.parametrize("name", [name for name, kind in TYPES.items() if kind.placed and not kind.live])
def test_a_place_that_does_not_exist_is_reported_when_opened(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent: no such file"):
        SourceSpec("some", name, (str(tmp_path / "absent"),)).open(tmp_path)


def test_opening_gives_the_type_s_source(tmp_path: Path) -> None:
    place = tmp_path / "a.txt"
    place.touch()
    source = SourceSpec("old", "higgs", (str(place),)).open(tmp_path)
    assert isinstance(source, HiggsSource)
    assert source.files == [place]


def test_a_recorded_day_is_forgotten_only_where_the_platform_answers_again(tmp_path: Path) -> None:
    day = date(2026, 11, 3)
    for value, message in (
        ("sample", "--again: sample reads files, and every pull reads them anew; leave --again out"),
        ("bsky:bluesky=", "--again: bluesky cannot be asked about the past; the recording of 2026-11-03 is kept"),
        ("hn:hackernews=", None),
    ):
        (spec,) = parse_specs([value])
        folder = recording.day_folder(tmp_path, spec.id, day)
        recording.Recording(folder, "u").add([1], recording.Cursor())
        kept = recording.Recording(folder, snapshots.unit("likes of 7"))
        kept.add([1], recording.Cursor())
        if message:
            with pytest.raises(UsageError) as error:
                spec.forget(tmp_path, day)
            assert str(error.value) == message
        else:
            spec.forget(tmp_path, day)
            spec.forget(tmp_path, day)  # nothing is left to forget
        assert len(list(folder.iterdir())) == (1 if message is None else 2)
        assert kept.pages  # no later list has the same names
