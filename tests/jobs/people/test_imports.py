"""Consent from a file: nothing is recorded unless every line is right."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.errors import UsageError
from jobs.people import imports

DAY = date(2026, 11, 3)


CHANGED = datetime(2026, 10, 1, 12, tzinfo=UTC)


def row(person: str, scope: str, since: date = DAY, until: date | None = None, said_at: datetime = CHANGED) -> dict:
    return {"person_id": person, "scope": scope, "since": since, "until": until, "said_at": said_at}


def test_a_csv_file(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text('\ufeffperson_id,scope,until\nx:ana,public,\n"x:b,o",self,2026-12-01\n', encoding="utf-8")
    os.utime(file, (CHANGED.timestamp(), CHANGED.timestamp()))
    assert list(imports.rows(file, DAY)) == [
        row("x:ana", "public"), row("x:b,o", "self", until=date(2026, 12, 1)),
    ]  # fmt: skip


def test_a_parquet_file(tmp_path: Path) -> None:
    file = tmp_path / "people.parquet"
    pq.write_table(pa.table({"person_id": ["x:ana"], "scope": ["no"], "since": [date(2026, 1, 1)]}), file)
    said_at = datetime(2026, 1, 1, tzinfo=UTC)  # before the file was changed
    assert list(imports.rows(file, DAY)) == [row("x:ana", "no", date(2026, 1, 1), said_at=said_at)]


def test_faults_of_many_lines_are_named_in_their_order_and_repeats_across_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHUNK_LINES", 3)
    file = tmp_path / "people.csv"
    lines = [f"x:{n},public" for n in range(8)] + ["x:1,no", "ana,no", "x:2,no"]
    file.write_text("\n".join(["person_id,scope", *lines]))
    with pytest.raises(UsageError) as error:
        imports.rows(file, DAY)
    assert [line.split(":")[0].strip() for line in str(error.value).splitlines()[1:]] == [
        "line 10",
        "line 11",
        "line 12",
    ]
    file.write_text("\n".join(["person_id,scope", *["ana,no"] * 30]))
    with pytest.raises(UsageError) as error:
        imports.rows(file, DAY)
    assert len(str(error.value).splitlines()) == 1 + imports.FAULTS_SHOWN + 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("person_id\nx:ana\n", "column scope is missing; expected person_id, scope, and optionally since, until"),
        ("person_id,scope,salary\n", "column salary is unknown"),
        ("person_id,scope\nx:ana,public,more\n", "line 2 has more fields than the header"),
        ("person_id,scope\nx:ana\n", "line 2: scope '' is unknown"),
        ("person_id,scope,since\nx:ana,public,soon\n", "line 2: since 'soon' is no day; expected YYYY-MM-DD"),
        ("person_id,scope\nana,public\nx:bo,yes\n", "line 2: 'ana' is no person_id"),
        ("person_id,scope\nana,public\nx:bo,yes\n", "line 3: scope 'yes' is unknown"),
        ("person_id,scope\nx:ana,public\nx:ana,no\n", "line 3: x:ana is on line 2 too; give each person once"),
    ],
)
def test_faults_are_named_with_their_lines(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        imports.rows(file, DAY)
    assert fault in str(error.value)


@pytest.mark.parametrize("name", ["people.xlsx", "nowhere.csv", "torn.parquet", "bytes.csv"])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    (tmp_path / "bytes.csv").write_bytes(b"person_id,scope\n\xff,public\n")
    with pytest.raises(UsageError, match=name):
        imports.rows(tmp_path / name, DAY)
