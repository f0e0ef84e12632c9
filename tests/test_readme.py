"""README and docs are true: their queries give the same rows in every tool, the example these scores, each link its target."""

import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import feather
from pyspark.sql import SparkSession

from jobs import pull_activity
from jobs.sources.spec import parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.arrow import schema
from schemas.methodologies import METHODOLOGIES
from schemas.methodology import load
from schemas.scores import SCORES
from tests import pages
from tests.fixture_types import ArrowRows
from tests.jobs.world import Did, World

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDES = sorted((ROOT / "infra" / "docs").glob("*.md"))
TEXT = "\n".join([README, *(page.read_text(encoding="utf-8") for page in GUIDES)])
PAGES = [ROOT / "README.md", *GUIDES, *sorted((ROOT / "infra" / "runbooks").glob("*.md"))]

# What each tool's `top` and `history` are as Arrow tables.
AS_ARROW = {"spark": "{}.toArrow()", "duckdb": "{}.to_arrow_table()", "polars": "{}.to_arrow()",
            "pandas": "pyarrow.Table.from_pandas({}, preserve_index=False)"}  # fmt: skip
# A network of its own, with nothing in it but itself.
ALONE = ["unshare", "--map-root-user", "--net"]
OUTSIDE = "https://"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def block(first_line: str) -> str:
    """The Python block for BI readers that begins so, after the one that is common to all."""
    common, *others = pages.blocks(ROOT / "infra" / "docs" / "bi_reader.md", "python")
    (found,) = [text for text in others if text.startswith(first_line)]
    return common + found


# Reading the scores


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, arrow_rows: ArrowRows) -> Warehouse:
    """Days around yesterday under two methodologies, of which the older was official until two days ago, and a preview."""
    warehouse = Warehouse(str(tmp_path_factory.mktemp("readme") / "warehouse"))
    warehouse.create_tables()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    change = yesterday - timedelta(days=1)
    for version, worth in (("2026.11", 1.0), ("2027.01", 2.0), ("preview", 3.0)):
        for day in (yesterday + timedelta(days=n) for n in (-3, -2, -1, 0, 1)):  # 1: should midnight pass meanwhile
            people = [
                {"day": day, "methodology": version, "person_id": f"twitter:{n}", "platform": "twitter", "rank": min(n, 20),
                 "handle": "Zoë" if n == 88 else None, "influence": worth * day.day / n, "direct": worth * day.day / n,
                 "engager_count": n}
                for n in range(1, 100)  # ranks 20 are many: person_id decides
            ]  # fmt: skip
            warehouse.replace(
                SCORES, arrow_rows(SCORES, people), {"methodology": version, "day": day}, run_id="test", job="test"
            )
    versions: list[dict[str, Any]] = [
        {"version": "2026.11", "in_force_from": date(2000, 1, 1), "in_force_to": change - timedelta(days=1)},
        {"version": "2027.01", "in_force_from": change},
        {"version": "preview"},  # never official
    ]
    warehouse.replace(METHODOLOGIES, arrow_rows(METHODOLOGIES, versions), {}, run_id="test", job="test")
    return warehouse


def expected(warehouse: Warehouse, yesterday: date) -> dict[str, list[dict]]:
    """Top and history by plain Python over all rows."""
    change = yesterday - timedelta(days=1)
    official = [
        row
        for row in warehouse.read(SCORES).to_pylist()
        if row["methodology"] == ("2027.01" if row["day"] >= change else "2026.11")
    ]
    top = sorted((row for row in official if row["day"] == yesterday), key=lambda row: (row["rank"], row["person_id"]))
    history = sorted((row for row in official if row["person_id"] == "twitter:88"), key=lambda row: row["day"])
    return {"top": top[:20], "history": history}


def check(found: dict[str, pa.Table], warehouse: Warehouse, yesterday: date) -> None:
    for name, rows in expected(warehouse, yesterday).items():
        assert found[name].cast(schema(SCORES)).to_pylist() == rows, name
    assert {row["methodology"] for row in rows} == {"2026.11", "2027.01"}  # the history goes over the change


def test_spark_reads_the_official_scores(
    published: Warehouse, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_WAREHOUSE", published.root)
    variables: dict = {}
    exec(block("# spark\n"), variables)
    check({name: variables[name].toArrow() for name in ("top", "history")}, published, variables["yesterday"])


@pytest.mark.system
@pytest.mark.parametrize("tool", ["duckdb", "polars", "pandas"])
def test_tools_read_the_official_scores_without_a_network(tool: str, published: Warehouse, tmp_path: Path) -> None:
    """In a process of its own, as a reader would; it also has to end well."""
    alone = ALONE if shutil.which("unshare") and subprocess.run([*ALONE, "true"], check=False).returncode == 0 else []
    saved = "\n".join(
        f"feather.write_feather({AS_ARROW[tool].format(name)}, {str(tmp_path / name)!r})" for name in ("top", "history")
    )
    program = f"{block(f'# {tool}')}\nimport pyarrow\nfrom pyarrow import feather\n{saved}\nprint(yesterday)"
    ran = subprocess.run(
        [*alone, sys.executable, "-c", program], env={"CLOUT_WAREHOUSE": published.root, "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    found = {name: feather.read_table(tmp_path / name) for name in ("top", "history")}
    check(found, published, date.fromisoformat(ran.stdout.strip()))


def test_a_day_published_twice_keeps_both_and_readers_count_nobody_twice(
    spark: SparkSession, warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the real jobs: the official methodology, then the proposal."""
    day = date(2026, 11, 3)
    world = World(warehouse, arrow_rows)
    world.cover(day, "twitter")
    world.put("test", [Did(day, "twitter", "like", str(n), "88") for n in range(3)])
    scored = {}
    world.count(day)
    for methodology in (load("2026.11"), load("2026.12")):
        world.publish_counted(day, methodology)
        scored[methodology.version] = world.people(day, methodology)
    kept = {(row["methodology"], row["person_id"]): row for row in world.warehouse.read(SCORES).to_pylist()}
    assert kept == {(version, who): row for version, people in scored.items() for who, row in people.items()}
    assert kept["2026.11", "twitter:88"]["influence"] > kept["2026.12", "twitter:88"]["influence"]
    official = sorted(scored["2026.11"].values(), key=lambda row: (row["rank"], row["person_id"]))
    monkeypatch.setenv("CLOUT_WAREHOUSE", world.warehouse.root)
    for tool in AS_ARROW:
        variables: dict = {"pyarrow": pa}
        exec(
            block(f"# {tool}\n").replace(
                "datetime.now(UTC).date() - timedelta(days=1)", "datetime(2026, 11, 3).date()"
            ),
            variables,
        )
        assert eval(AS_ARROW[tool].format("top"), variables).cast(schema(SCORES)).to_pylist() == official, tool


# The example


def table_after(marker: str) -> list[dict[str, str]]:
    lines = README.split(f"<!-- example: {marker} -->\n")[1].split("\n\n")[0].splitlines()
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_example_gives_these_scores(warehouse: Warehouse, tmp_path: Path, arrow_rows: ArrowRows) -> None:
    (acts,) = blocks("json")
    (tmp_path / "acts.jsonl").write_text(acts, encoding="utf-8")
    day = date(2026, 11, 3)
    world = World(warehouse, arrow_rows)
    (source,) = parse_specs([f"demo:activitystreams={tmp_path / 'acts.jsonl'}"])
    pull_activity.run(
        world.warehouse, pull_activity.Params(source=source, first_day=day, last_day=day), Batch("readme")
    )
    found = world.score(day)
    table = table_after("scores")
    assert [row["person"] for row in table] == [
        row["person_id"] for row in sorted(found.values(), key=lambda r: r["rank"])
    ]
    for row in table:
        scored = found[row["person"]]
        parts = ("direct", "second", "third", "influence")
        assert {part: float(row[part]) for part in parts} == {part: scored[part] for part in parts}
        assert row["score"] == f"{scored['score']:.2f}"


# Links and names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not link.startswith(OUTSIDE) and not leads_somewhere(page, link)] == []


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether there is such a file, and a heading for the part after `#`."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """Of headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_files_and_tests_that_are_named_exist() -> None:
    named = re.findall(r"`((?:dags|jobs|schemas|tests|infra)/[a-z0-9_./-]+)`", TEXT)
    assert [name for name in named if not (ROOT / name).exists()] == []
    for promise in README.split("## Promises")[1].split("\n## ")[0].splitlines():
        files = "".join((ROOT / name).read_text() for name in re.findall(r"`(tests/[\w./]+\.py)`", promise))
        for test in re.findall(r"`(test_\w+)\*?`", promise):
            assert f"def {test}" in files, test


def test_every_setting_is_documented() -> None:
    """Every variable of clout's that Python or a script reads."""
    python = [*(ROOT / "jobs").rglob("*.py"), *(ROOT / "dags").glob("*.py"), ROOT / "tests" / "conftest.py"]
    read = {name for path in python for name in re.findall(r"\"(CLOUT_\w+)\"", path.read_text(encoding="utf-8"))}
    for path in (ROOT / "infra").glob("*.sh"):
        read.update(re.findall(r"\$\{?(CLOUT_\w+)", path.read_text(encoding="utf-8")))
    assert sorted(name for name in read if f"`{name}`" not in TEXT) == []
