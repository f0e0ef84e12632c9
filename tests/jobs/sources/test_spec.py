"""`--source` values and `sources.yaml`, and what is wrong with them."""

import pytest

from jobs.errors import UsageError
from jobs.sources.higgs import HiggsSource
from jobs.sources.spec import TYPES, SourceSpec, enabled_sources, parse_specs


def test_values_become_sources_in_order_of_first_mention():
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


@pytest.mark.parametrize(
    ("values", "message"),
    [
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
def test_malformed_values_are_told(values, message):
    with pytest.raises(UsageError) as error:
        parse_specs(values)
    assert str(error.value) == message


@pytest.mark.parametrize("name", [name for name in TYPES if name not in ("sample", "gharchive")])
def test_a_place_that_is_not_there_is_told_when_opened(name, tmp_path):
    with pytest.raises(UsageError, match=r"absent: no such file"):
        SourceSpec("some", name, (str(tmp_path / "absent"),)).open()


def test_opening_gives_the_type_s_source(tmp_path):
    place = tmp_path / "a.txt"
    place.touch()
    source = SourceSpec("old", "higgs", (str(place),)).open()
    assert isinstance(source, HiggsSource)
    assert source.files == [place]


def test_only_enabled_sources_are_given(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text("- source: higgs=/x\n- {source: reddit=/y, enabled: false}\n- {source: gharchive, enabled: true}\n")
    assert [spec.id for spec in enabled_sources(path)] == ["higgs", "gharchive"]
    path.write_text("")
    assert enabled_sources(path) == ()


@pytest.mark.parametrize("text", [b"a: [", b"higgs: /x", b"- higgs=/x", b"- source: 7", b"\xff\xfe\x00", b"7"])
def test_a_malformed_list_of_sources_is_told(tmp_path, text):
    path = tmp_path / "sources.yaml"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=r"sources\.yaml: expected a list of"):
        enabled_sources(path)


def test_a_missing_list_of_sources_is_told(tmp_path):
    with pytest.raises(UsageError, match="expected a list of"):
        enabled_sources(tmp_path / "sources.yaml")
