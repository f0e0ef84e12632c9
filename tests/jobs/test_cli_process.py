"""The command line as a process: exit codes and streams, a reader that has seen enough, full disks, narrow terminals."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.places import ROOT
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.links import LINKS
from schemas.lookups import LOOKUPS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows

pytestmark = pytest.mark.system

DAY = date(2026, 11, 3)
PULL = ("pull", "--day", str(DAY), "--source", "sample=people=50")


def start(root: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "jobs", *arguments]
    environment = os.environ | {"CLOUT_WAREHOUSE": root}
    environment.pop("COLUMNS", None)
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stderr=subprocess.PIPE, **options)


def ended(root: str, *arguments: str, **options: Any) -> tuple[int, str | None, str]:
    """Exit code, what came on standard output if it is a pipe, and on the error stream."""
    process = start(root, *arguments, **options)
    out, err = process.communicate()
    return process.returncode, out, err


def publish(warehouse: Warehouse, arrow_rows: ArrowRows, people: list[dict]) -> None:
    rows = arrow_rows(SCORES, people)
    warehouse.replace(SCORES, rows, {"methodology": "2026.11", "day": DAY}, run_id="r", job="publish")


@contextmanager
def mounted(where: Path, *arguments: str) -> Iterator[Path]:
    """A file system of the test's own; skips where this user may not mount any."""
    where.mkdir()
    try:
        subprocess.run(["mount", *arguments, str(where)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this user cannot mount a file system here ({error})")
    try:
        yield where
    finally:
        subprocess.run(["umount", str(where)], check=True)


def test_exit_codes_and_streams_are_those_of_a_process(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    """Two people share a handle."""
    publish(
        warehouse, arrow_rows, [{"person_id": f"twitter:{number}", "handle": "bo", "rank": number} for number in (1, 2)]
    )

    def ends(*arguments: str) -> tuple[int, str, str]:
        code, out, err = ended(warehouse.root, *arguments, stdout=subprocess.PIPE)
        assert out is not None
        return code, out.partition("\n")[0], err

    assert ends("show", "--top", "20") == (0, "Highest scores of 2026-11-03, methodology 2026.11", "")
    assert ends("show", "zoe") == (
        1, "", "clout: scores: no published person is called 'zoe'; give a person_id such as `twitter:88`, or a handle\n",
    )  # fmt: skip
    assert ends("show", "bo")[:2] == (2, "")
    assert warehouse.row_count(LOOKUPS, {}) == 0
    assert ends("show", "twitter:1")[0] == 0
    assert warehouse.read(LOOKUPS)["person_id"].to_pylist() == ["twitter:1"]


@pytest.mark.parametrize("form", ["--csv", "--json", None])
def test_a_reader_that_has_seen_enough_ends_the_command_quietly(
    warehouse: Warehouse, arrow_rows: ArrowRows, form: str | None
) -> None:
    publish(warehouse, arrow_rows, [{"person_id": f"twitter:{n}", "rank": n + 1} for n in range(20_000)])
    process = start(warehouse.root, "show", *filter(None, [form]), "--top", "20000", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() != ""
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_a_closed_stream_changes_nothing(warehouse: Warehouse, stream: int) -> None:
    """Else the first file that is opened would take the stream's place, and what is said would land in it."""
    code, _, err = ended(warehouse.root, *PULL, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.close(stream))
    assert (code, err) == (0, "")
    assert warehouse.read(COVERAGE)["act_count"].to_pylist() != []
    assert warehouse.row_count(ACTIVITY, {"day": DAY}) > 0


def test_a_closed_output_is_no_fault_of_a_command_that_shows(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    publish(warehouse, arrow_rows, [{}])
    assert ended(warehouse.root, "show", "--top", "20", preexec_fn=lambda: os.close(1)) == (0, None, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "command",
    [("show", "--top", "9", *form) for form in ((), ("--csv",), ("--json",), ("--help",))],
)
def test_a_full_disk_under_the_output_is_one_line(
    warehouse: Warehouse, arrow_rows: ArrowRows, command: tuple[str, ...]
) -> None:
    publish(warehouse, arrow_rows, [{}])
    with open("/dev/full", "w") as full:
        result = ended(warehouse.root, *command, stdout=full)
    assert result == (1, None, "clout: standard output: No space left on device\n")


@pytest.mark.parametrize("size", ["40k", "400k"], ids=["while tables are made", "while rows are written"])
def test_a_full_disk_under_the_warehouse_is_one_line(tmp_path: Path, size: str) -> None:
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", f"size={size}", "tmpfs") as small:
        pull = (*PULL[:-1], "sample=people=20000")
        code, out, err = ended(str(small / "warehouse"), *pull, stdout=subprocess.PIPE)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "No space left on device" in err


@pytest.mark.parametrize("command", [PULL, ("checks", "--day", str(DAY))])
def test_a_read_only_warehouse_is_one_line(warehouse: Warehouse, tmp_path: Path, command: tuple[str, ...]) -> None:
    """Delta's client would panic in the middle of a write."""
    with mounted(tmp_path / "ro", "--bind", "-o", "ro", warehouse.root) as root:
        result = ended(str(root), *command, stdout=subprocess.PIPE)
    assert result == (
        2, "", f"clout: {root}: cannot be written (read-only, or another user's); set CLOUT_WAREHOUSE\n",
    )  # fmt: skip


@pytest.mark.parametrize(("columns", "shown"), [(24, ["score"]), (44, ["rank", "person", "score"])])
def test_a_narrow_terminal_keeps_the_score(
    warehouse: Warehouse, arrow_rows: ArrowRows, columns: int, shown: list[str]
) -> None:
    publish(warehouse, arrow_rows, [{"person_id": f"twitter:{'8' * 17}", "handle": "bo" * 10, "score": 12.5}])
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    code, _, err = ended(warehouse.root, "show", "--top", "9", stdin=theirs, stdout=theirs)
    os.close(theirs)
    screen = re.sub(r"\x1b\[\d*m", "", os.read(ours, 100_000).decode()).splitlines()
    assert (code, err) == (0, "")
    assert screen[1].split()[: len(shown)] == shown
    assert "12.50" in screen[3]
    assert max(map(len, screen[1:4])) <= columns


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("jobs.cli.main", ("duckdb", "pandas", "pyarrow", "pydantic", "pyspark")),  # `clout --help`
        ("jobs.cli.queries", ("pydantic", "pyspark")),  # `clout show`
        ("jobs.checks", ("pyspark",)),
        ("jobs.publish", ("pyspark",)),
    ],
)
def test_a_command_imports_only_what_it_needs(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize(
    ("command", "unwanted"), [(("show", "--top", "9"), ["numpy", "pandas"]), (PULL, ["numba", "pandas", "pyspark"])]
)
def test_a_command_does_not_wait_for_what_it_does_not_need(
    warehouse: Warehouse, command: tuple[str, ...], unwanted: list[str]
) -> None:
    """pyarrow would import pandas and numpy if it could."""
    begin = f"import sys; sys.argv[1:] = {command}\nfrom jobs.cli import entry\n"
    names = ["pyarrow", *unwanted]
    code = begin + f"try: entry.main()\nfinally: print([name for name in {names} if name in sys.modules])"
    environment = os.environ | {"CLOUT_WAREHOUSE": warehouse.root}
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert found.stdout.splitlines()[-1:] == ["['pyarrow']"], found.stderr


def test_once_spark_is_imported_pandas_is_there(warehouse: Warehouse) -> None:
    """Of pyarrow too, which looked for it before."""
    code = """
import sys; sys.argv[1:] = ["runs"]
from jobs.cli import entry
try: entry.main()
finally:
    import pyarrow, pyspark, pandas
    print(pyarrow.Table.from_pandas(pandas.DataFrame({"a": [1]})).to_pandas()["a"].sum())
"""
    environment = os.environ | {"CLOUT_WAREHOUSE": warehouse.root}
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert found.stdout.splitlines()[-1:] == ["1"], found.stderr


def test_a_warehouse_is_private_to_its_owner(tmp_path: Path) -> None:
    """Folders 0700, files 0600, whatever the user's own umask is."""
    acts = tmp_path / "acts.jsonl"
    acts.write_text(
        '{"type": "Like", "actor": "a", "published": "2026-11-03T09:00:00Z", "object": {"attributedTo": "b"}}'
    )
    root = tmp_path / "new" / "warehouse"
    source = f"demo:activitystreams={acts}"
    ran = ended(str(root), "pull", "--day", "2026-11-03", "--source", source, preexec_fn=lambda: os.umask(0o022))
    assert ran[0] == 0, ran
    found = [root, *root.rglob("*")]
    assert any(path.suffix == ".parquet" for path in found)
    assert {(path.is_dir(), oct(path.stat().st_mode & 0o777)) for path in found} == {(True, "0o700"), (False, "0o600")}


def test_show_resolves_who_has_several_accounts_without_numpy(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    publish(warehouse, arrow_rows, [{"person_id": "twitter:1"}])
    linked = {"account_a": "twitter:1", "account_b": "twitter:2", "kind": "operator", "first_seen": DAY}
    warehouse.append(LINKS, arrow_rows(LINKS, [linked]), {}, run_id="r", job="j")
    code, out, err = ended(warehouse.root, "show", "twitter:1", stdout=subprocess.PIPE)
    assert (code, err) == (0, "")
    assert out is not None
    assert "2026-11-03" in out
