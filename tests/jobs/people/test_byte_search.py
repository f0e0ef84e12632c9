"""No encoding and no compression hides a person from the search."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from jobs.people import byte_search
from jobs.people.byte_search import Searched, Sought, Trace

ANA = "https://example.org/users/an\u00e4"


def found(folder: Path, *names: str) -> list[tuple[str, str]]:
    sought = Sought([f"x:{name}" for name in names], {"x": names}, {folder / "elsewhere": {"y"}})
    return [(trace.path.name, trace.place) for trace in byte_search.traces(folder, sought, Searched())]


@pytest.mark.parametrize(
    "content",
    [
        ANA.encode(), json.dumps({"actor": ANA}).encode(), b"https%3A%2F%2Fexample.org%2Fusers%2Fan%C3%A4",
        ANA.encode("utf-16-le"), b" " + ANA.encode("utf-16-be"), zstd.compress(ANA.encode() * 2),
    ],
    ids=["UTF-8", "JSON", "URL", "UTF-16", "UTF-16, big", "compressed"],
)  # fmt: skip
def test_each_encoding_is_found(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "file.zst").write_bytes(content)
    (tmp_path / "other").write_bytes(b"https://example.org/users/bo")
    assert found(tmp_path, ANA) == [("file.zst", "bytes")]


def test_columns_are_searched_inside_their_compressed_pages(tmp_path: Path) -> None:
    names = [f"user {n}" for n in range(5_000)] + [ANA, "88"]
    table = pa.table({"account_id": names, "n": range(5_002), "text": [f"by {name}" for name in names]})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", write_statistics=False)
    assert ANA.encode() not in (tmp_path / "a.parquet").read_bytes()
    assert found(tmp_path, ANA) == [("a.parquet", "account_id"), ("a.parquet", "text")]
    assert found(tmp_path, "88") == [("a.parquet", "account_id")]  # too short to be sought within texts
    assert found(tmp_path, "nobody at all") == []


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_every_kind_of_text_and_every_case_is_searched(tmp_path: Path, kind: pa.DataType) -> None:
    pq.write_table(pa.table({"who": pa.array(["by Anastasia"], kind)}), tmp_path / "a.parquet", compression="zstd")
    (tmp_path / "log").write_bytes(b'{"login": "AnastasiA"}')
    assert {name for name, _ in found(tmp_path, "anastasia")} == {"a.parquet", "log"}


def test_a_longer_id_is_somebody_else(tmp_path: Path) -> None:
    """Else nobody could be forgotten whose id begins that of another."""
    others = ["x:12345", "x:123456", "x:x:12345-b", "by_x:1234", "x:1234_"]
    pq.write_table(pa.table({"who": others}), tmp_path / "a.parquet", compression="none")
    (tmp_path / "log").write_bytes(" ".join(others).encode())
    assert found(tmp_path, "1234") == []
    (tmp_path / "log").write_bytes(b"y%3Ax%3A1234 x:1234")
    assert found(tmp_path, "1234") == [("log", "bytes")]


def test_folders_on_another_disk_are_searched(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "log").write_bytes(ANA.encode())
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "landing").symlink_to(tmp_path / "disk")
    assert found(tmp_path / "warehouse", ANA) == [("log", "bytes")]


def test_the_name_of_a_file_is_searched(tmp_path: Path) -> None:
    (tmp_path / "anastasia%2Eexample.000000.jsonl.zst").write_bytes(zstd.compress(b""))
    assert found(tmp_path, "anastasia.example") == [("anastasia%2Eexample.000000.jsonl.zst", "name")]


def test_a_text_across_two_chunks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_search, "CHUNK_BYTES", 7)
    (tmp_path / "file").write_bytes(b"." * 50 + ANA.encode() + b".")
    assert found(tmp_path, ANA) == [("file", "bytes")]


def test_what_was_searched_is_counted_and_damage_is_listed(tmp_path: Path) -> None:
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 " + ANA.encode())
    (tmp_path / "torn.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    searched = Searched()
    assert list(byte_search.traces(tmp_path, Sought([ANA], {}), searched)) == [
        Trace(tmp_path / "torn.parquet", "bytes")
    ]
    assert (searched.files, searched.unreadable) == (2, [tmp_path / "torn.parquet", tmp_path / "torn.zst"])
    assert searched.bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_somebody_elsewhere_may_have_the_same_name(tmp_path: Path) -> None:
    """Only `x:ana` left, and everybody else stays."""
    table = pa.table({"platform": ["x", "y", "y"], "account_id": ["bo", ANA, f"y:{ANA}"]})
    pq.write_table(table, tmp_path / "several.parquet")
    for place in ("platform=y", "elsewhere"):
        (tmp_path / place).mkdir()
        pq.write_table(pa.table({"actor_id": [ANA]}), tmp_path / place / "a.parquet")
    (tmp_path / "elsewhere" / "page").write_bytes(ANA.encode())
    assert found(tmp_path, ANA) == []
    pq.write_table(pa.table({"person_id": [f"x:{ANA}"]}), tmp_path / "elsewhere" / "b.parquet", write_statistics=False)
    assert found(tmp_path, ANA) == [("b.parquet", "person_id"), ("b.parquet", "bytes")]
