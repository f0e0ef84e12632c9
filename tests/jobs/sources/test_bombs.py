"""Small archives that expand to more than a pull may hold, and windows of gigabytes: the memory of a pull stays bounded."""

import bz2
import gzip
import json
import lzma
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from backports import zstd

from jobs.sources.live.budget import ApiError
from tests.jobs.sources.conftest import MakeApi
from tests.jobs.sources.platform_server import Platform, Reply, then

MIB = 1 << 20
MAX_MIB = 128  # a line of the greatest length, held twice while it is put together, a page of rejects, and buffers
BOMB_MIB = 2 * MAX_MIB
READ = """
import json, resource, sys
from jobs.sources.lines import decompressed, stream_pages
from jobs.sources.page import Ignored
from jobs.sources.values import json_object

limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

def parse(line):
    json_object(line)
    return [Ignored(0)]

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = {"read": 0, "rejected": 0, "reasons": [], "notes": []}
for page in stream_pages("test", "bomb", decompressed(open(sys.argv[1], "rb"), "bomb"), parse):
    found["read"] += page.ignored.total()
    found["rejected"] += page.faults.num_rows
    found["reasons"] = sorted({*found["reasons"], *page.faults["reason"].to_pylist()})
    found["notes"] += [note.reason for note in page.notes]
found["mib"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
print(json.dumps(found))
"""


class Bomb(NamedTuple):
    begin: bytes
    again: bytes
    mib: int  # filled with `again`
    end: bytes = b""

    def write(self, stream: BufferedIOBase) -> None:
        mebibyte = self.again * (MIB // len(self.again))
        with stream:
            stream.write(self.begin)
            for _ in range(self.mib):
                stream.write(mebibyte)
            stream.write(self.end)


def read(path: Path, limit: int = 0) -> dict[str, Any]:
    """What a process makes of the file that may have `limit` bytes of memory, if given."""
    done = subprocess.run([sys.executable, "-c", READ, path, str(limit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.system
@pytest.mark.parametrize(
    "pack",
    [
        partial(gzip.GzipFile, mode="wb", compresslevel=1),
        partial(bz2.BZ2File, mode="wb", compresslevel=1),
        partial(lzma.LZMAFile, mode="wb", preset=0),
        partial(zstd.ZstdFile, mode="wb"),
    ],
    ids=["gzip", "bzip2", "xz", "zstd"],
)
def test_one_line_larger_than_the_bound_is_a_reject(pack: Callable[[Path], BufferedIOBase], tmp_path: Path) -> None:
    Bomb(b'{"n": 1}\n', b"x", BOMB_MIB).write(pack(tmp_path / "bomb"))
    assert (tmp_path / "bomb").stat().st_size < 3 * MIB
    found = read(tmp_path / "bomb")
    assert (found["read"], found["rejected"], found["reasons"]) == (1, 1, ["line is longer than 16 MiB"])
    assert found["mib"] < MAX_MIB


NO_JSON = "document is not JSON from here on, or breaks off"
TOO_LONG = "value is longer than 16 MiB"


@pytest.mark.system
@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        (Bomb(b"[", b" ", BOMB_MIB), NO_JSON),
        (Bomb(b"[{},", b",", BOMB_MIB), NO_JSON),
        (Bomb(b'{"items": ["', b"x", BOMB_MIB), TOO_LONG),
        (Bomb(b'{\n"a": 1', b',"n":"%s"' % (b"x" * 1000), BOMB_MIB), TOO_LONG),
        (Bomb(b"[1", b",1", 1, b"]\n"), "line is not a JSON object"),  # half a million values, each of them a reject
        (Bomb(b"[[", b"[", 64), "line is longer than 16 MiB"),
    ],
    ids=["spaces", "commas", "item", "members", "values", "depth"],
)
def test_a_document_larger_than_the_bound_ends_in_rejects(bomb: Bomb, reason: str, tmp_path: Path) -> None:
    bomb.write(zstd.ZstdFile(tmp_path / "bomb", "wb"))
    assert (tmp_path / "bomb").stat().st_size < MIB // 4
    found = read(tmp_path / "bomb")
    assert found["reasons"] == [reason]
    assert found["mib"] < MAX_MIB


@pytest.mark.system
def test_a_match_far_back_in_a_window_of_2_gib_is_read(tmp_path: Path) -> None:
    """As in public dumps. Memory follows the text that was read, not the window that the frame asks for."""
    text = json.dumps({"text": random.Random(1).randbytes(1000).hex()}).encode() + b"\n"
    long: dict[int, int] = {
        zstd.CompressionParameter.window_log: 31,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
    }
    for name, end in (("once", b""), ("twice", text)):
        Bomb(text, b" " * 1023 + b"\n", 200, end).write(zstd.ZstdFile(tmp_path / name, "wb", options=long))
    once, twice = ((tmp_path / name).read_bytes() for name in ("once", "twice"))
    assert twice[5] >> 3 == 31 - 10  # the window that the frame asks for
    assert len(twice) - len(once) < 100  # the second text is a reference to the first one, 200 MiB back
    found = read(tmp_path / "twice")
    assert (found["read"], found["rejected"]) == (2, 0)
    assert found["mib"] < 200 + MAX_MIB


@pytest.mark.system
def test_a_window_that_the_machine_has_no_memory_for_is_no_damage(tmp_path: Path) -> None:
    """Else the day would be recorded with what was read until then."""
    frame = bytes.fromhex("28b52ffd00") + bytes([(31 - 10) << 3]) + bytes.fromhex("010000")
    (tmp_path / "dump.zst").write_bytes(frame)
    with pytest.raises(
        AssertionError, match=r"ReadError: bomb: not enough memory to decompress it \(zstd may need 2 GiB"
    ):
        read(tmp_path / "dump.zst", limit=1 << 30)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_an_answer_of_a_platform_that_expands_beyond_its_bound_is_cut_off(
    encoding: str, pack: Callable[[bytes], bytes], platform: Platform, api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.sources.live.http.MAX_ANSWER_BYTES", MIB)
    body = pack(b"[" + b" " * (64 * MIB) + b"]")
    platform.answer = then(Reply(body, 200, {"Content-Encoding": encoding}))
    tracemalloc.start()
    try:
        with pytest.raises(ApiError, match="larger than 1,048,576 bytes"):
            api().get("x")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MIB
