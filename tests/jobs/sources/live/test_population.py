"""Populations: whom an operator chose to ask about, from files and day by day."""

from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import CloutError, UsageError
from jobs.sources.live import population, recording
from jobs.sources.live.population import MOST_LETTERS, Member
from jobs.sources.page import Note
from tests.jobs.sources.killed import killed_at

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)
NAMES = st.lists(st.text(min_size=1, max_size=5), unique=True, max_size=8)


def written(folder: Path, text: str) -> Path:
    path = folder / "people.txt"
    path.write_text(text, encoding="utf-8")
    return path


def pulled(landing: Path, day: date, *names: str | Member) -> population.Population:
    members = [name if isinstance(name, Member) else Member(name) for name in names]
    return population.of_day(recording.day_folder(landing, "s", day), day, members)


# Files


def test_a_file_holds_one_member_a_line(tmp_path: Path) -> None:
    lines = [
        "\ufeffana\r",
        "\r",
        "# a comment\r",
        "  bo \t 2026-11-03 \t a note\tmore\r",
        "cy\t\tonly a note",
        "שלי",
        "@di@x",
    ]
    assert population.read(written(tmp_path, "\n".join(lines))) == (
        Member("ana"),
        Member("bo", DAY, "a note"),
        Member("cy", None, "only a note"),
        Member("שלי"),
        Member("@di@x"),
    )


def test_an_empty_file_is_nobody(tmp_path: Path) -> None:
    assert population.read(written(tmp_path, "# nobody yet\n\n")) == ()


def test_every_wrong_line_of_a_file_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, f"ana\nbo\tyesterday\nana\n{'x' * (MOST_LETTERS + 1)}\ne\x07vil\n\t2026-11-03\nlast\n")
    with pytest.raises(UsageError) as raised:
        population.read(path)
    assert str(raised.value) == (
        f"{path}: line 2: 'yesterday' is no day such as 2026-11-03; line 3: 'ana' is listed twice; line 4: is no name of an"
        " account; line 5: is no name of an account; line 6: is no name of an account"
    )


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00a"], ids=["absent", "no UTF-8"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "people.txt"
    if content:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"people\.txt: expected a population, one account a line: "):
        population.read(path)


@given(NAMES.filter(lambda names: all(name.isprintable() and name == name.strip() for name in names)))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    names = [name for name in names if not name.startswith("#")]
    path = written(tmp_path_factory.mktemp("people"), "\n".join(f"{name}\t2026-11-03" for name in names))
    assert population.read(path) == tuple(Member(name, DAY) for name in names)


# Days


def test_a_member_is_asked_from_its_first_day_on(tmp_path: Path) -> None:
    later = Member("bo", NEXT)
    assert pulled(tmp_path, DAY, "ana", later).names == ("ana",)
    found = pulled(tmp_path, NEXT, "ana", later)
    assert found.names == ("ana", "bo")
    assert found.change == Note("the population changed since 2026-11-03: 1 new", partial=False)


def test_a_day_keeps_the_population_that_it_was_first_pulled_with(tmp_path: Path) -> None:
    pulled(tmp_path, DAY, "ana")
    first = pulled(tmp_path, NEXT, "ana", "bo")
    assert pulled(tmp_path, NEXT, "cy") == first
    assert first.change is not None
    pulled(tmp_path, DAY, "cy")
    assert pulled(tmp_path, NEXT) == first


def test_a_pull_that_is_killed_before_it_kept_the_population_begins_anew(tmp_path: Path) -> None:
    with killed_at(0):
        pulled(tmp_path, DAY, "ana")
    assert pulled(tmp_path, DAY, "bo").names == ("bo",)


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        (["ana"], ["ana"], None),
        (["ana", "bo"], ["bo", "ana"], None),
        (["ana"], ["ana", "bo", "cy"], "2 new"),
        (["ana", "bo"], ["ana"], "1 gone"),
        (["ana", "bo"], ["cy", "bo"], "1 new and 1 gone"),
        ([f"a{n}" for n in range(1_234)], [], "1,234 gone"),
    ],
)
def test_a_changed_population_is_a_note_which_makes_no_day_partial(
    tmp_path: Path, before: list[str], now: list[str], changed: str | None
) -> None:
    pulled(tmp_path, DAY, *before)
    expected = changed and Note(f"the population changed since 2026-11-03: {changed}", partial=False)
    assert pulled(tmp_path, NEXT, *now).change == expected


def test_the_newest_earlier_day_of_the_same_source_is_compared(tmp_path: Path) -> None:
    pulled(tmp_path, DAY - timedelta(days=3), "ana")
    pulled(tmp_path, DAY - timedelta(days=2), "bo")
    pulled(tmp_path, NEXT, "cy")
    population.of_day(recording.day_folder(tmp_path, "other", DAY), DAY, [Member("di")])
    recording.day_folder(tmp_path, "s", DAY - timedelta(days=1)).mkdir()  # a day without a population
    assert pulled(tmp_path, DAY, "bo").change is None


@given(NAMES, st.randoms(use_true_random=False))
def test_the_fingerprint_depends_on_the_members_but_not_on_their_order(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], random: Random
) -> None:
    landing = tmp_path_factory.mktemp("landing")
    other = random.sample(names, len(names))
    first, second = pulled(landing / "1", DAY, *names), pulled(landing / "2", DAY, *other)
    assert (first.fingerprint, set(first.names)) == (second.fingerprint, set(second.names))
    assert first.names == tuple(names)
    assert pulled(landing / "3", DAY, *names, "another one").fingerprint != first.fingerprint
    assert population.fingerprint(recording.day_folder(landing / "1", "s", DAY)) == first.fingerprint


def test_a_day_without_a_population_has_no_fingerprint(tmp_path: Path) -> None:
    assert population.fingerprint(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"7",
        b'{"names": ["ana"]}',
        b'{"names": 7, "change": null}',
        b'{"names": [1], "change": null}',
        b'{"names": ["a',
    ],
)
def test_a_damaged_population_is_named(tmp_path: Path, content: bytes) -> None:
    pulled(tmp_path, DAY, "ana")
    path = recording.day_folder(tmp_path, "s", DAY) / population.FILE
    path.write_bytes(content)
    with pytest.raises(
        CloutError, match=r"population\.json: this recording is damaged; remove its folder to ask the platform again"
    ):
        pulled(tmp_path, DAY, "ana")
    with pytest.raises(CloutError, match="is damaged"):
        pulled(tmp_path, NEXT, "ana")
