"""The copy of the tables in PostgreSQL, its views and its grants, as infra/docs/access.md writes them: who may read what."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from jobs.places import ROOT
from jobs.warehouse.storage import Warehouse
from schemas import views
from schemas.catalog import TABLES
from schemas.consent import CONSENT
from schemas.influence import INFLUENCE
from schemas.lookups import LOOKUPS
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from schemas.scores import SCORES
from schemas.table import Table
from tests import postgres
from tests.fixture_types import ArrowRows
from tests.pages import blocks

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        postgres.programs() is None and not os.environ.get("CI"),  # in CI infra/test.sh installs it
        reason="no PostgreSQL server; to install: apt-get install postgresql",
    ),
]

PAGE = ROOT / "infra" / "docs" / "access.md"
DAY = date(2026, 11, 3)
ANA, BO = "github:ana", "github:bo"
READABLE = {table.name for table in TABLES} | set(views.queries())
ROLE = re.compile(r"^\| `(\w+)` \| (.+?) \|", re.MULTILINE)
EVERY_TABLE_BUT = "every table but "


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, arrow_rows: ArrowRows) -> Warehouse:
    """Ana and bo are published; each agreed to see themselves at least."""
    made = Warehouse(str(tmp_path_factory.mktemp("grants") / "warehouse"))
    made.create_tables()
    since = {"since": DAY, "until": None, "recorded_at": datetime(2026, 11, 3, 12, tzinfo=UTC)}
    given: dict[Table, list[dict[str, Any]]] = {
        CONSENT: [{"person_id": who, "scope": "public", **since} for who in (ANA, BO)],
        INFLUENCE: [{"person_id": who, "day": DAY, "influence": 0.1 + 0.2} for who in (ANA, BO)],
        SCORES: [{"person_id": who, "day": DAY, "influence": 0.1 + 0.2} for who in (ANA, BO)],
        PUBLICATIONS: [{"day": DAY, "sequence": 1, "change": "publish"}],
        LOOKUPS: [{"person_id": ANA}],
        RUNS: [{"error": "a\ttab, a \\ and\na line"}],
    }
    for table, rows in given.items():
        made.append(table, arrow_rows(table, rows), {}, run_id="r", job="j")
    return made


@pytest.fixture(scope="module")
def database(warehouse: Warehouse) -> Iterator[str]:
    """The address of a database with the copy, the views, the grants, and a user for each role: `a_bi` and so on; a person's
    user has the person_id as its name."""
    installed = postgres.programs()
    assert installed is not None
    with postgres.server(installed) as address:
        address = address.replace("+psycopg", "")
        copy(warehouse, address)
        with psycopg.connect(address) as db:
            db.execute(views.statements())
            db.execute(grants("PostgreSQL"))
            for role in roles():
                db.execute(f"create role a_{role} login in role {role}")
            db.execute(f'create role "{ANA}" login in role self')
            db.execute("create role nobody login")
        yield address


def copy(warehouse: Warehouse, address: str) -> None:
    """Runs the page's block."""
    (text,) = blocks(PAGE, "python")
    for written, here in (
        ("postgresql://OWNER@HOST/DATABASE", address),
        ("~/.local/share/clout/warehouse", warehouse.root),
    ):
        assert written in text
        text = text.replace(written, here)
    exec(compile(text, str(PAGE), "exec"), {})


def grants(system: str) -> str:
    """The statements of the page's section."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {system}\n")[2].partition("\n## ")[0]
    (text,) = re.findall(r"^```sql\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return text


def roles() -> dict[str, set[str]]:
    """Role -> the tables and views that it reads, by the page's table. Who reads all tables reads all views too."""
    found: dict[str, set[str]] = {}
    for role, reads in ROLE.findall(PAGE.read_text(encoding="utf-8")):
        named = set(re.findall(r"`(\w+)`", reads))
        found[role] = READABLE - named if reads.startswith(EVERY_TABLE_BUT) else named
    assert sorted(found) == ["auditor", "bi", "operator", "self"]
    return found


def as_user(address: str, user: str) -> psycopg.Connection:
    """Each statement is a transaction of its own."""
    return psycopg.connect(address, user=user, autocommit=True, options="-c timezone=UTC")


@pytest.mark.parametrize("role", ["bi", "operator", "auditor", "self", "nobody"])
def test_a_role_reads_what_the_page_says_and_nothing_else(database: str, role: str) -> None:
    may = roles().get(role, set())
    read = set()
    with as_user(database, role if role == "nobody" else f"a_{role}") as db:
        for name in sorted(READABLE):
            try:
                db.execute(f"select * from {name}").fetchall()
            except InsufficientPrivilege:
                continue
            read.add(name)
        assert read == may
        for name in ("scores", "consent", "lookups"):
            with pytest.raises(InsufficientPrivilege):
                db.execute(f"delete from {name}")


def test_a_person_reads_their_own_rows_only(database: str) -> None:
    with as_user(database, ANA) as db:
        assert db.execute("select person_id, influence from scores_for_self").fetchall() == [(ANA, 0.1 + 0.2)]
    with as_user(database, "a_self") as db:  # a user whose name is no person_id
        assert db.execute("select * from scores_for_self").fetchall() == []


def test_a_table_of_users_says_who_a_user_is(database: str) -> None:
    """By the statements of the page, in place of `current_user`."""
    table, look_up = (text for text in blocks(PAGE, "sql") if "person_of_user" in text)
    statement = f"create or replace view scores_for_self as\n{views.queries()['scores_for_self']}"
    with psycopg.connect(database) as db:
        db.execute(table)
        db.execute("insert into person_of_user values ('a_self', %s)", [BO])
        db.execute(statement.replace("current_user", look_up))
    try:
        with as_user(database, "a_self") as db:
            assert db.execute("select person_id from scores_for_self").fetchall() == [(BO,)]
            with pytest.raises(InsufficientPrivilege):
                db.execute("select * from person_of_user")
    finally:
        with psycopg.connect(database) as db:
            db.execute(statement)
            db.execute("drop table person_of_user")


def test_a_copy_that_is_made_again_has_every_row_and_nobody_who_left_since(database: str, warehouse: Warehouse) -> None:
    warehouse.delete(LOOKUPS, {"person_id": ANA}, run_id="r", job="j")
    copy(warehouse, database)
    with psycopg.connect(database, options="-c timezone=UTC") as db:
        for table in TABLES:
            rows = db.execute(f"select {', '.join(table.column_names)} from {table.name}").fetchall()
            expected = [tuple(row[name] for name in table.column_names) for row in warehouse.read(table).to_pylist()]
            assert sorted(rows, key=repr) == sorted(expected, key=repr), table.name
    with as_user(database, "a_auditor") as db:  # the grants stay
        assert db.execute("select * from lookups").fetchall() == []
