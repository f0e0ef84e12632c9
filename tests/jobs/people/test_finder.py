"""Many names are found as surely as one."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.people.finder import Finder

TEXTS = st.lists(st.sampled_from([*"ab1-.%/ ", "2f", "name", "surname", "\n"]), max_size=30).map("".join)


@given(st.sets(st.text("ab1.", min_size=1, max_size=9), max_size=9), TEXTS)
def test_everything_is_found_that_a_search_for_each_name_finds(names: set[str], text: str) -> None:
    sought = [name.encode() for name in names]
    expected = {
        (found.start(1), found.end(1))
        for name in sought
        for found in re.finditer(
            rb"(?:(?<![a-z0-9_-])|(?<=%[0-9a-f][0-9a-f]))(?=(" + re.escape(name) + rb"))", text.encode()
        )
        if not re.match(rb"[a-z0-9_-]", text.encode()[found.end(1) :])
    }
    assert set(Finder(sought).spans(text.encode())) == expected


@pytest.mark.parametrize("count", [1, 3_000])
def test_the_number_of_names_changes_nothing(count: int) -> None:
    finder = Finder(f"user-{number:05d}".encode() for number in range(count))
    assert list(finder.spans(b"user-00000 user-000000 user-99999")) == [(0, 10)]


def test_values_of_a_column_are_found_in_any_case() -> None:
    values = pa.chunked_array([["Ana", None, "bana", ""], ["x.ANA", "%2fana", "an", "\u00c4ana"]])
    assert Finder([b"ana"]).rows(values) == [0, 4, 5, 7]
    assert Finder([]).rows(values) == []
