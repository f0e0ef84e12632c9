"""`sources.yaml`, and what is wrong with it."""

from datetime import date
from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.sources.entries import WHAT, enabled_entries, enabled_sources, sources
from jobs.sources.hackernews import HackerNewsSource
from jobs.sources.spec import SourceSpec, parse_specs
from jobs.sources.types import TYPES, SourceType


def test_only_enabled_sources_are_given(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text("- source: higgs=/x\n- {source: reddit=/y, enabled: false}\n- {source: gharchive, enabled: true}\n")
    assert [spec.id for spec in enabled_sources(path)] == ["higgs", "gharchive"]
    path.write_text("")
    assert enabled_sources(path) == ()


def test_a_day_outside_an_entry_s_days_is_not_that_entry_s(tmp_path: Path) -> None:
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


def test_every_fault_of_a_list_of_sources_is_reported_at_once(tmp_path: Path) -> None:
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
        f"{path}: expected {WHAT}: "
        "entry 1 to: must not lie before `from`, 2012-07-07, found 2012-07-01; "
        f"entry 2 source: unknown type 'myspace'; use [ID:]TYPE=WHERE with one of {', '.join(TYPES)}, found 'myspace=/x'; "
        "entry 2 enabled: Input should be a valid boolean, found 'perhaps'; "
        "entry 3 source: Field required; "
        "entry 3 sauce: Extra inputs are not permitted, found 'higgs=/x'; "
        "entry 4 from: Input should be a valid date, found 'soon'; "
        "entry 4 till: Extra inputs are not permitted, found 2012-07-01"
    )


def test_entries_that_contradict_each_other_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text("- source: a:higgs=/x\n- source: a:reddit=/y\n")
    with pytest.raises(
        UsageError, match=r"sources\.yaml: --source a:reddit=/y: ID 'a' is already a source of type 'higgs'"
    ):
        enabled_sources(path)


@pytest.mark.parametrize("text", [b"a: [", b"higgs: /x", b"- higgs=/x", b"- source: 7", b"\xff\xfe\x00", b"7"])
def test_a_malformed_list_of_sources_is_reported(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "sources.yaml"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=r"sources\.yaml: expected a list of"):
        enabled_sources(path)


def test_a_missing_list_of_sources_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a list of"):
        enabled_sources(tmp_path / "sources.yaml")


def test_an_entry_names_its_platform(tmp_path: Path) -> None:
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
def test_an_entry_of_a_wrong_platform_is_reported(tmp_path: Path, entry: str, fault: str) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(f"- {entry}\n")
    with pytest.raises(UsageError, match=fault):
        enabled_sources(path)


LIVE = """
- source: hn
  type: hackernews
  ask: {api: "http://127.0.0.1:9"}
  connection: news
  budget: {requests: 10, minutes: 0.5}
  from: 2026-11-01
- source: other:hackernews=http://127.0.0.1:8
  budget: {requests: 20}
- source: third:hackernews=http://127.0.0.1:7
"""


def test_a_typed_entry_says_what_to_ask_and_within_which_budget(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(LIVE)
    typed, valued, plain = enabled_sources(path)
    assert [spec.arguments for spec in (typed, valued, plain)] == [
        ("hn",),
        ("other",),
        ("third:hackernews=http://127.0.0.1:7",),
    ]
    assert sources(path, ["hn", "other", "third", "sample"]) == (typed, valued, plain, *parse_specs(["sample"]))
    opened = [source for spec in (typed, valued, plain) if isinstance(source := spec.open(tmp_path), HackerNewsSource)]
    assert [source.ask.api for source in opened] == [f"http://127.0.0.1:{port}" for port in (9, 8, 7)]
    assert [source.connection for source in opened] == ["news", "other", "third"]
    assert [(source.budget.requests, source.budget.minutes) for source in opened] == [
        (10, 0.5),
        (20, HackerNewsSource.MINUTES),
        (HackerNewsSource.REQUESTS, HackerNewsSource.MINUTES),
    ]


def test_an_id_that_is_no_entry_and_no_type_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(LIVE)
    with pytest.raises(UsageError, match="--source absent: neither a type nor an ID in"):
        sources(path, ["absent"])
    with pytest.raises(UsageError, match="the same ID stands for two sources"):
        sources(path, ["hn", "hn:hackernews="])
    path.write_text(LIVE.replace("other:hackernews", "hn:hackernews"))
    with pytest.raises(UsageError, match=r"two entries have the ID 'hn'; give one of them another"):
        enabled_sources(path)


def test_no_file_is_read_for_a_type(tmp_path: Path) -> None:
    assert sources(tmp_path / "absent.yaml", ["sample"]) == parse_specs(["sample"])


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("{source: hackernews, type: hackernews}", "source: must be an ID beside `type`"),
        ("{source: 'hn:hackernews=', type: hackernews}", "source: must be an ID beside `type`"),
        ("{source: a, type: higgs}", "type: is none of bluesky, hackernews, feeds, .*found 'higgs'$"),
        ("{source: a, type: hackernews, platform: b}", "platform: follows from `type`; leave it out"),
        ("{source: a, type: hackernews, ask: {everyone: true}}", "ask: of hackernews: everyone: Extra inputs are not"),
        ("{source: a, type: hackernews, ask: {api: 7}}", "ask: of hackernews: api: Input should be a valid string"),
        ("{source: higgs=/x, ask: {api: a}}", "ask: needs `type`, and an ID as `source`"),
        ("{source: higgs=/x, connection: a}", "connection: is for live sources, which 'higgs' is not"),
        ("{source: higgs=/x, revisit_days: 1}", "revisit_days: is for live sources"),
        ("{source: a, type: hackernews, connection: 'A b'}", "connection: is the name of a connection"),
        ("{source: a, type: hackernews, budget: {requests: 0}}", "budget requests: Input should be greater than"),
        ("{source: a, type: hackernews, budget: {euros: 1}}", "budget euros: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_typed_entry_is_reported(tmp_path: Path, entry: str, fault: str) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(f"- {entry}\n")
    with pytest.raises(UsageError, match=fault):
        enabled_sources(path)


GATED = [(name, kind) for name, kind in TYPES.items() if kind.terms]


@pytest.mark.parametrize(("name", "kind"), GATED, ids=[name for name, _ in GATED])
def test_a_type_that_its_platform_forbids_needs_an_agreement(tmp_path: Path, name: str, kind: SourceType) -> None:
    with pytest.raises(UsageError) as raised:
        parse_specs([f"{name}=a"])[0].open(tmp_path)
    assert (
        str(raised.value) == f"{name}: {kind.terms}; with an agreement, name it as `terms` of an entry in sources.yaml"
    )
    path = tmp_path / "sources.yaml"
    ask = {
        "youtube": "channels: [UC]",
        "facebook": "page: '1'",
        "x": "accounts: ['1']",
        "reddit-live": "subreddits: [a]",
    }
    entry = f"- {{source: a, type: {name}, ask: {{{ask[name]}}}, budget: {{dollars: 20}}"
    for terms in ("", ", terms: ' '"):
        path.write_text(f"{entry}{terms}}}\n")
        with pytest.raises(UsageError, match=f"terms: {kind.terms}; with an agreement, say here which"):
            enabled_sources(path)
    path.write_text(f"{entry}, enabled: false}}\n")
    assert enabled_sources(path) == ()
    path.write_text(f"{entry}, terms: contract 7}}\n")
    assert [spec.options and spec.options.terms for spec in enabled_sources(path)] == ["contract 7"]
