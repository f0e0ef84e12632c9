"""`--source` values and `sources.yaml`, and what is wrong with them."""

from datetime import date

import pytest

from jobs.errors import UsageError
from jobs.sources.higgs import HiggsSource
from jobs.sources.spec import TYPES, SourceSpec, enabled_entries, enabled_sources, parse_specs


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


def test_a_day_outside_an_entry_s_days_is_not_that_entry_s(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text(
        "- {source: gharchive, from: 2011-02-12}\n"
        "- {source: 'old:reddit=/a', from: 2005-12-01, to: 2005-12-31}\n"
        "- {source: 'old:reddit=/b', from: 2006-01-01}\n"
        "- {source: higgs=/x, to: 2012-07-07}\n"
    )

    def on(*day: int) -> list[str]:
        return [argument for spec in enabled_sources(path, date(*day)) for argument in spec.arguments]

    assert on(2005, 11, 30) == ["higgs:higgs=/x"]
    assert on(2005, 12, 1) == on(2005, 12, 31) == ["old:reddit=/a", "higgs:higgs=/x"]
    assert on(2006, 1, 1) == ["old:reddit=/b", "higgs:higgs=/x"]  # of one ID, the entry that has the day
    assert on(2012, 7, 7) == ["gharchive:gharchive=", "old:reddit=/b", "higgs:higgs=/x"]
    assert on(2012, 7, 8) == ["gharchive:gharchive=", "old:reddit=/b"]
    assert len(enabled_sources(path)) == 3
    assert enabled_sources(path)[1].places == ("/a", "/b")
    assert [str(entry) for entry in enabled_entries(path)] == [
        "gharchive (from 2011-02-12)",
        "old:reddit=/a (from 2005-12-01 to 2005-12-31)",
        "old:reddit=/b (from 2006-01-01)",
        "higgs=/x (to 2012-07-07)",
    ]


def test_every_fault_of_a_list_of_sources_is_reported_at_once(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text(
        "- {source: higgs=/x, from: 2012-07-07, to: 2012-07-01}\n"
        "- {source: myspace=/x, enabled: perhaps}\n"
        "- {sauce: higgs=/x}\n"
        "- {source: reddit=/x, from: soon, till: 2012-07-01}\n"
    )
    with pytest.raises(UsageError) as raised:
        enabled_sources(path)
    assert str(raised.value) == (
        f"{path}: expected a list of sources, each `source: [ID:]TYPE=WHERE`: "
        "entry 1 to: must not lie before `from`, 2012-07-07, found 2012-07-01; "
        f"entry 2 source: unknown type 'myspace'; use [ID:]TYPE=WHERE with one of {', '.join(TYPES)}, found 'myspace=/x'; "
        "entry 2 enabled: Input should be a valid boolean, found 'perhaps'; "
        "entry 3 source: Field required; "
        "entry 3 sauce: Extra inputs are not permitted, found 'higgs=/x'; "
        "entry 4 from: Input should be a valid date, found 'soon'; "
        "entry 4 till: Extra inputs are not permitted, found 2012-07-01"
    )


def test_entries_that_contradict_each_other_are_reported(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text("- source: a:higgs=/x\n- source: a:reddit=/y\n")
    with pytest.raises(
        UsageError, match=r"sources\.yaml: --source a:reddit=/y: ID 'a' is already a source of type 'higgs'"
    ):
        enabled_sources(path)


@pytest.mark.parametrize("text", [b"a: [", b"higgs: /x", b"- higgs=/x", b"- source: 7", b"\xff\xfe\x00", b"7"])
def test_a_malformed_list_of_sources_is_told(tmp_path, text):
    path = tmp_path / "sources.yaml"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=r"sources\.yaml: expected a list of"):
        enabled_sources(path)


def test_a_missing_list_of_sources_is_told(tmp_path):
    with pytest.raises(UsageError, match="expected a list of"):
        enabled_sources(tmp_path / "sources.yaml")
