"""`--source` values and `sources.yaml`, and what is wrong with them."""

from datetime import date

import pytest

from jobs.errors import UsageError
from jobs.sources import recording
from jobs.sources.higgs import HiggsSource
from jobs.sources.spec import TYPES, WITHOUT_PLACE, SourceSpec, enabled_entries, enabled_sources, parse_specs


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


def test_several_sources_may_be_of_one_platform():
    found = parse_specs(
        ["mine:activitystreams@mastodon=a", "mine:activitystreams@mastodon=b=@c", "activitystreams@x.y=d"]
    )
    assert found == (
        SourceSpec("mine", "activitystreams", ("a", "b=@c"), "mastodon"),
        SourceSpec("activitystreams", "activitystreams", ("d",), "x.y"),
    )
    assert parse_specs([value for spec in found for value in spec.arguments]) == found


def test_the_platform_is_the_id_where_it_is_not_named(tmp_path):
    place = tmp_path / "a.jsonl"
    place.touch()
    platforms = [
        spec.open(tmp_path).platforms
        for spec in parse_specs([f"a:activitystreams={place}", f"b:activitystreams@a={place}"])
    ]
    assert platforms == [("a",), ("a",)]
    with pytest.raises(UsageError, match="sample-a: is the platform's name, and `sample-` begins simulated ones"):
        parse_specs([f"a:activitystreams@sample-a={place}"])[0].open(tmp_path)


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
def test_malformed_values_are_reported(values, message):
    with pytest.raises(UsageError) as error:
        parse_specs(values)
    assert str(error.value) == message


@pytest.mark.parametrize("name", [name for name in TYPES if name not in WITHOUT_PLACE])
def test_a_place_that_does_not_exist_is_reported_when_opened(name, tmp_path):
    with pytest.raises(UsageError, match=r"absent: no such file"):
        SourceSpec("some", name, (str(tmp_path / "absent"),)).open(tmp_path)


def test_opening_gives_the_type_s_source(tmp_path):
    place = tmp_path / "a.txt"
    place.touch()
    source = SourceSpec("old", "higgs", (str(place),)).open(tmp_path)
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
def test_a_malformed_list_of_sources_is_reported(tmp_path, text):
    path = tmp_path / "sources.yaml"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=r"sources\.yaml: expected a list of"):
        enabled_sources(path)


def test_a_missing_list_of_sources_is_reported(tmp_path):
    with pytest.raises(UsageError, match="expected a list of"):
        enabled_sources(tmp_path / "sources.yaml")


def test_an_entry_names_its_platform(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text("- {source: 'mine:activitystreams=/x', platform: mastodon}\n- {source: 'y:activitystreams@z=/x'}\n")
    assert enabled_sources(path) == (
        SourceSpec("mine", "activitystreams", ("/x",), "mastodon"),
        SourceSpec("y", "activitystreams", ("/x",), "z"),
    )


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("{source: 'higgs=/x', platform: mastodon}", "'higgs' reads one platform only"),
        ("{source: 'y:activitystreams@z=/x', platform: mastodon}", "is already named by `source`"),
        ("{source: 'y:activitystreams=/x', platform: ' '}", "a platform is lower-case letters"),
    ],
)
def test_an_entry_of_a_wrong_platform_is_reported(tmp_path, entry, fault):
    path = tmp_path / "sources.yaml"
    path.write_text(f"- {entry}\n")
    with pytest.raises(UsageError, match=fault):
        enabled_sources(path)


def test_a_recorded_day_is_forgotten_only_where_the_platform_answers_again(tmp_path):
    day = date(2026, 11, 3)
    for value, message in (
        ("sample", "--again: sample reads files, and every pull reads them anew; leave --again out"),
        ("bsky:bluesky=", "--again: bluesky cannot be asked about the past; the recording of 2026-11-03 is kept"),
        ("hn:hackernews=", None),
    ):
        (spec,) = parse_specs([value])
        folder = recording.day_folder(tmp_path, spec.id, day)
        recording.Recording(folder, "u").add([1], recording.Cursor())
        if message:
            with pytest.raises(UsageError) as error:
                spec.forget(tmp_path, day)
            assert str(error.value) == message
        else:
            spec.forget(tmp_path, day)
            spec.forget(tmp_path, day)  # nothing is left to forget
        assert folder.exists() is (message is not None)
