"""Terminal output: tables, progress and messages. Text from a platform is made harmless before it is printed."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import accumulate, zip_longest
from textwrap import fill
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from jobs.labels import SIMULATED, plain
from jobs.spreadsheets import harmless

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.progress import Progress

GAP = 2  # between two columns
INDENT = " " * 4  # of notes on the row above
WIDEST = 40  # of a cell: an id of the AT Protocol and its platform fit
WIDE = 160  # of output to a file or a pipe, so that tables keep their columns

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str = "") -> None:
    """Prints the text to standard output. Replaces each unprintable character."""
    out.print(_lines(text))


def complain(text: str) -> None:
    """Prints the text to standard error. Replaces each unprintable character."""
    err.print(_lines(text))


def _lines(text: str) -> Text:
    return Text("\n".join(map(plain, text.split("\n"))))


class Bar:
    """One bar of a progress display; without a display it shows nothing."""

    def __init__(self, progress: "Progress | None") -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None) if progress else None

    def show(self, doing: str, done: int | None = None, total: int | None = None) -> None:
        """Shows the current step `doing`. With a total the bar also shows `done` of `total`; without one it has no end."""
        if self._progress is not None and self._task is not None:
            described = f"{doing}, {done} of {total}" if total else doing
            self._progress.update(self._task, description=described, completed=done or 0, total=total)


@contextmanager
def progress() -> Iterator[Bar]:
    """Shows a bar while the block runs, if standard output or standard error is a terminal.

    Prefers standard output, where lines that `say` prints meanwhile appear above the bar.
    """
    console = out if out.is_terminal else err
    if not console.is_terminal:
        yield Bar(None)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        yield Bar(shown)


def points(row: dict[str, Any]) -> tuple[float, float, float]:
    """Points of direct, second and third: score * part / influence; zeros if influence is 0."""
    whole = row["influence"]
    return tuple(row["score"] * row[part] / whole if whole else 0.0 for part in ("direct", "second", "third"))  # type: ignore[return-value]


def print_top(scores: "pa.Table", label: str) -> None:
    """Prints rows of `scores` of one day, at least one, and the label of real people."""
    rows = scores.to_pylist()
    cells = [
        (plain(row["rank"]), plain(row["person_id"]), plain(row["handle"]), *_scored(row), plain(row["engager_count"]))
        for row in rows
    ]
    names = ("rank", "person", "handle", "score", "= direct", "+ second", "+ third", "influence", "engagers")
    title = f"Highest scores of {rows[0]['day']}, methodology {rows[0]['methodology']}"
    print_table(title, names, cells, texts=("person", "handle"), foremost=("score", "person", "rank"))
    _labels(rows, label)


def print_history(scores: "pa.Table", label: str) -> None:
    """Prints rows of `scores` of one person, at least one, and the label of real people."""
    rows = scores.to_pylist()
    cells = [
        (str(row["day"]), *_scored(row), plain(row["engager_count"]), plain(row["rank"]),
         f"{row['window_coverage']:.0%}", plain(row["methodology"]))
        for row in rows
    ]  # fmt: skip
    names = (
        "day",
        "score",
        "= direct",
        "+ second",
        "+ third",
        "influence",
        "engagers",
        "rank",
        "covered",
        "methodology",
    )
    title = f"{plain(rows[-1]['person_id'])}  {plain(rows[-1]['handle'])}"
    print_table(title, names, cells, texts=("day", "methodology"), foremost=("score", "day"))
    _labels(rows, label)


def print_restatements(changes: "pa.Table") -> None:
    """Prints rows of `restatements`, three lines each."""
    for row in changes.to_pylist():
        say(f"{row['day']} ({row['methodology']})  {row['restated_at']:%Y-%m-%d %H:%M} UTC  run {row['run_id']}")
        say(f"    {_why(json.loads(row['why']))}")
        say(
            f"    {row['people_before']:,} -> {row['people_after']:,} people: {row['people_arrived']:,} arrived,"
            f" {row['people_gone']:,} gone, {row['people_moved']:,} moved by {row['mean_absolute_move']:.2f} points on"
            f" average, at most +{row['largest_rise']:.2f} and -{row['largest_fall']:.2f}"
        )
    if not changes.num_rows:
        say("no published day was changed")


def _why(why: dict[str, Any]) -> str:
    """The parsed value of `restatements.why`, in words."""
    reasons = [
        *([f"an engager left, who had acted on {_days(why['left_days'])}"] if "left_days" in why else []),
        *([f"acts pulled again or disputed of {_days(why['activity_days'])}"] if "activity_days" in why else []),
        *(
            f"{platform} {word} {_days(days)}"
            for word, name in (("now covered on", "coverage_gained"), ("no longer covered on", "coverage_lost"))
            for platform, days in why.get(name, {}).items()
        ),
        *(["account data changed"] if "accounts" in why else []),
        *(["clout {} -> {}".format(*why["code_version"])] if "code_version" in why else []),
        *([f"as run {why['run_id']} published it"] if "run_id" in why else []),
    ]
    return ": ".join([why["change"], *filter(None, ["; ".join(reasons)])])


def _days(days: list[str]) -> str:
    from jobs.days import spans

    return spans([date.fromisoformat(day) for day in days])


def _scored(row: dict[str, Any]) -> tuple[str, ...]:
    return (f"{row['score']:.2f}", *(f"{part:.2f}" for part in points(row)), f"{row['influence']:,.2f}")


def print_table(
    title: str,
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    texts: Sequence[str],
    foremost: Sequence[str] = (),
    notes: Sequence[Sequence[str]] = (),
) -> None:
    """Prints a table: aligns the columns of `texts` left, all others right. Wraps the `notes` on a row below that row.

    Cuts a cell at `WIDEST` columns of the terminal; no number is that wide. Leaves out columns that do not fit, and names them:
    the rightmost first, those of `foremost` last, and the first of `foremost` never.
    """
    cells = [[_cut(cell) for cell in row] for row in rows]
    widths = dict(
        zip(names, (max(map(_width, column)) + GAP for column in zip(names, *cells, strict=True)), strict=True)
    )
    kept = _fitting(widths, [*foremost, *(name for name in names if name not in foremost)])

    def line(row: Mapping[str, str]) -> str:
        aligned = (_aligned(row[name], widths[name] - GAP, name in texts) for name in kept)
        return (" " * GAP).join(aligned).rstrip()

    say(title)
    out.print(Text(line({name: name for name in names}), style="bold"))
    say(("-" if out.options.ascii_only else "─") * (sum(widths[name] for name in kept) - GAP))
    lines = []
    for row, of_row in zip_longest(cells, notes, fillvalue=()):
        lines.append(line(dict(zip(names, row, strict=True))))
        for note in of_row:
            lines.append(
                fill(plain(note), out.width, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False)
            )
    if lines:
        out.print(Text("\n".join(lines)))  # one call: each takes 0.1 ms
    say()
    if left_out := [name for name in names if name not in kept]:
        say(f"no room for {', '.join(left_out)}: use a wider terminal or --json to see them")


def _fitting(widths: Mapping[str, int], by_importance: Sequence[str]) -> list[str]:
    """The most important columns that fit together, in their order on the screen; at least one."""
    ends = accumulate(widths[name] for name in by_importance)
    fitting = max(1, sum(end - GAP <= out.width for end in ends))
    return [name for name in widths if name in by_importance[:fitting]]


def _aligned(cell: str, width: int, left: bool) -> str:
    gap = " " * (width - _width(cell))
    return cell + gap if left else gap + cell


def _width(text: str) -> int:
    """Columns of the terminal that printable text takes."""
    return len(text) if text.isascii() else cell_len(text)


def _cut(text: str) -> str:
    return text if _width(text) <= WIDEST else set_cell_size(text, WIDEST - 1) + "…"


def _labels(rows: Sequence[dict[str, Any]], label: str) -> None:
    say("score = points of its three parts; influence in accounts' worth of attention")
    say(SIMULATED if any(row["simulated"] for row in rows) else plain(label))


def print_json(result: "pa.Table | dict[str, Any] | list[dict[str, Any]]") -> None:
    """Prints JSON: a row per line for a table or list, indented otherwise. Days and timestamps become text."""
    if isinstance(result, dict):
        sys.stdout.write(json.dumps(result, default=str, indent=1) + "\n")
        return
    rows = result if isinstance(result, list) else result.to_pylist()
    lines = ",\n ".join(json.dumps(row, default=str) for row in rows)  # indentation would take ten times as long
    sys.stdout.write(f"[\n {lines}\n]\n" if rows else "[]\n")


class _Rows:
    """Receives rows of CSV. `csv.writer` quotes the characters of its line end, so it must end rows in CR LF to quote both.
    The printed row ends in LF."""

    def write(self, row: str) -> None:
        sys.stdout.write(row.removesuffix("\r\n") + "\n")


def print_csv(table: "pa.Table") -> None:
    """Prints the table as CSV, with a header. Puts `'` before text that a spreadsheet would read as a formula.

    On a terminal, which obeys control characters, it replaces each unprintable character.
    """
    writer = csv.writer(_Rows())
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        values = [harmless(value) if isinstance(value, str) else value for value in row.values()]
        writer.writerow([plain(v) if isinstance(v, str) else v for v in values] if out.is_terminal else values)
