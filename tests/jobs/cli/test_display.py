"""What people see. What a platform sent cannot do anything to the terminal."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console

from jobs import labels
from jobs.cli import display
from schemas.restatements import RESTATEMENTS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.grounds import LABEL

DAY = date(2026, 11, 3)
ESCAPES = "\x1b[31mred\x1b]0;title\x07\x9b2J"  # colours, a window's title, a cleared screen
HOSTILE = f"{ESCAPES}\nline\ttab\r[bold red]markup[/] \u202eltr \u2028 :smiley:"
SHOWN = "�[31mred�]0;title��2J�line�tab�[bold red]markup[/] �ltr � :smiley:"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], io.StringIO]:
    """`terminal(80)`: from now on a terminal of that width is looking at both streams; gives what it saw."""

    def looking(width: int) -> io.StringIO:
        screen = io.StringIO()
        console = Console(file=screen, force_terminal=True, width=width, highlight=False, soft_wrap=True)
        monkeypatch.setattr(display, "out", console)
        monkeypatch.setattr(display, "err", console)
        return screen

    return looking


@pytest.fixture
def scores(arrow_rows: ArrowRows) -> pa.Table:
    people = [
        {
            "person_id": "sample-birdsong:a00000042",
            "handle": HOSTILE,
            "simulated": True,
            "rank": 1,
            "engager_count": 1234,
        },
        {"person_id": "sample-birdsong:a00000007", "rank": 2, "engager_count": 0},
    ]
    parts = {"direct": 1000.0, "second": 234.5, "third": 0.0, "influence": 1234.5, "score": 56.5}
    return arrow_rows(SCORES, [people[0] | parts, people[1]])


def plain_of(text: str) -> str:
    """Without the escapes that rich itself writes (bold, reset)."""
    return text.replace("\x1b[1m", "").replace("\x1b[0m", "")


def test_a_value_is_one_line_of_what_can_be_printed() -> None:
    assert labels.plain(HOSTILE) == SHOWN
    assert [labels.plain(value) for value in (None, 1234567, "Zoë 漢字 🙂", True)] == [
        "",
        "1,234,567",
        "Zoë 漢字 🙂",
        "True",
    ]


def test_a_hostile_handle_is_shown_and_obeyed_by_nobody(
    scores: pa.Table, terminal: Callable[[int], io.StringIO]
) -> None:
    screen = terminal(200)
    display.print_top(scores, LABEL)
    shown = plain_of(screen.getvalue())
    assert SHOWN[:39] + "…" in shown  # a name of any length leaves room for the numbers
    assert not {"\x1b", "\x07", "\x9b", "\r", "\t", "\u202e", "\u2028"} & set(shown)


def test_where_the_terminal_is_narrow_whole_columns_are_left_out_and_named(
    scores: pa.Table, terminal: Callable[[int], io.StringIO]
) -> None:
    screen = terminal(80)
    display.print_top(scores.slice(1), LABEL)
    title, header, _, row, *rest = [line.strip() for line in plain_of(screen.getvalue()).splitlines() if line.strip()]
    assert title == "Highest scores of 2026-11-03, methodology 2026.11"
    assert header.split() == ["rank", "person", "handle", "score", "=", "direct", "+", "second", "+", "third"]
    assert row.split() == ["2", "sample-birdsong:a00000007", "0.00", "0.00", "0.00", "0.00"]
    assert rest[0] == "no room for influence, engagers: use a wider terminal or --json to see them"
    assert max(map(len, plain_of(screen.getvalue()).splitlines())) <= 80


@pytest.mark.parametrize(
    ("width", "kept", "dropped"),
    [
        (40, ["rank", "person", "score"], "handle, = direct, + second, + third, influence, engagers"),
        (10, ["score"], "rank, person, handle, = direct, + second, + third, influence, engagers"),
    ],
)
def test_the_score_is_the_last_column_to_go(
    scores: pa.Table, terminal: Callable[[int], io.StringIO], width: int, kept: list[str], dropped: str
) -> None:
    screen = terminal(width)
    display.print_top(scores, LABEL)
    _, header, _, row, *_, room = [line for line in plain_of(screen.getvalue()).splitlines() if line.strip()][:6]
    assert header.split() == kept
    assert row.split()[-1] == "56.50"
    assert room == f"no room for {dropped}: use a wider terminal or --json to see them"


def test_sentences_about_a_row_stand_beneath_it_and_wrap(terminal: Callable[[int], io.StringIO]) -> None:
    screen = terminal(40)
    notes = [["nine words that do not fit into one line", f"{ESCAPES}"], []]
    display.print_table("title", ("name", "count"), [("a", "1"), ("b", "12")], texts=("name",), notes=notes)
    assert plain_of(screen.getvalue()).splitlines() == [
        "title",
        "name  count",
        "───────────",
        "a         1",
        "    nine words that do not fit into one",
        "    line",
        "    �[31mred�]0;title��2J",
        "b        12",
        "",
    ]


def test_a_history_names_the_person_once_and_days_beneath(
    scores: pa.Table, terminal: Callable[[int], io.StringIO]
) -> None:
    screen = terminal(100)
    display.print_history(scores.slice(0, 1), LABEL)
    title, header, _, row, units, label = [
        line.strip() for line in plain_of(screen.getvalue()).splitlines() if line.strip()
    ]
    assert title.startswith("sample-birdsong:a00000042  �[31mred")
    assert header.split()[0] == "day"
    assert row.split() == ["2026-11-03", "56.50", "45.77", "10.73", "0.00", "1,234.50", "1,234", "1", "100%", "2026.11"]
    assert units == "score = points of its three parts; influence in accounts' worth of attention"
    assert label == "SIMULATED: these people do not exist"


def test_points_of_the_parts_sum_to_the_score_and_nobody_divides_by_nothing(scores: pa.Table) -> None:
    ana, nobody = scores.to_pylist()
    assert sum(display.points(ana)) == pytest.approx(ana["score"], rel=1e-12)
    assert display.points(nobody) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ({"change": "withdrawn"}, "withdrawn"),
        ({"change": "brought back", "run_id": "abc"}, "brought back: as run abc published it"),
        ({"change": "scored again"}, "scored again"),
        (
            {
                "change": "scored again",
                "activity_days": ["2026-11-01", "2026-11-02", "2026-11-05"],
                "coverage_gained": {"github": ["2026-11-01"], "twitter": ["2026-11-01"]},
                "coverage_lost": {"reddit": ["2026-11-02"]},
                "accounts": True,
                "code_version": ["0.1", "0.2"],
            },
            "scored again: acts pulled again or disputed of 2026-11-01..2026-11-02,2026-11-05; github now covered on"
            " 2026-11-01; twitter"
            " now covered on 2026-11-01; reddit no longer covered on 2026-11-02; account data changed; clout 0.1 -> 0.2",
        ),
    ],
)
def test_why_a_published_day_changed_in_words(
    arrow_rows: ArrowRows, terminal: Callable[[int], io.StringIO], why: dict[str, Any], words: str
) -> None:
    screen = terminal(400)
    display.print_restatements(arrow_rows(RESTATEMENTS, [{"why": json.dumps(why)}]))
    assert screen.getvalue().splitlines()[1] == f"    {words}"


def test_json_is_every_column_and_safe_anywhere(scores: pa.Table, capsys: pytest.CaptureFixture[str]) -> None:
    display.print_json(scores)
    text = capsys.readouterr().out
    assert text.isascii()
    assert json.loads(text) == [row | {"day": "2026-11-03"} for row in scores.to_pylist()]


def test_csv_is_exact_for_programs_and_tame_for_a_terminal(
    scores: pa.Table, capsys: pytest.CaptureFixture[str], terminal: Callable[[int], io.StringIO]
) -> None:
    display.print_csv(scores)
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""))
    assert first["handle"] == HOSTILE
    assert (first["influence"], second["handle"]) == ("1234.5", "")
    assert list(first) == list(SCORES.column_names)
    terminal(80)
    display.print_csv(scores)
    header, row, _ = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert row[header.index("handle")] == SHOWN


def test_lines_said_are_neither_cut_nor_wrapped_nor_coloured(terminal: Callable[[int], io.StringIO]) -> None:
    screen = terminal(40)
    display.say(f"{'long ' * 30}[red]{ESCAPES}\nsecond")
    assert screen.getvalue() == f"{'long ' * 30}[red]�[31mred�]0;title��2J\nsecond\n"


def test_progress_is_shown_to_a_terminal_only(
    terminal: Callable[[int], io.StringIO], capsys: pytest.CaptureFixture[str]
) -> None:
    with display.progress() as bar:
        bar.show("scoring", 1, 7)
    assert capsys.readouterr() == ("", "")
    screen = terminal(80)
    with display.progress() as bar:
        bar.show("pulling, 5 lines read")
        bar.show("scoring", 2, 7)
    assert "scoring, 2 of 7 " in screen.getvalue()


def test_a_line_printed_while_progress_is_shown_has_a_line_of_its_own(terminal: Callable[[int], io.StringIO]) -> None:
    screen = terminal(80)
    with display.progress() as bar:
        bar.show("scoring", 1, 7)
        display.say("scored one day")
    assert "\x1b[2K" + "scored one day" in screen.getvalue().replace("\r", "")
