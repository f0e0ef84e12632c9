"""Pages that say how well scores predict agree with the kept figures."""

import json
import re

import pytest

from jobs.places import ROOT
from schemas.scores import SCORES

KEPT = ROOT / "infra" / "validate" / "report.jsonl"
NAMES = {
    "2026.11": "2026.11",
    "PageRank": "pagerank",
    "count of engagers": "engagers",
    "count of acts": "acts",
    "faded acts": "faded_acts",
}


@pytest.fixture(scope="module")
def means() -> dict[tuple[str, str], float]:
    """(predictor, figure) -> its mean on the splits that did not choose constants."""
    values: dict[tuple[str, str], list[float]] = {}
    for line in KEPT.read_text(encoding="utf-8").splitlines():
        figure = json.loads(line)
        if not figure["chosen_by"]:
            values.setdefault((figure["predictor"], figure["figure"]), []).append(figure["value"][0])
    assert {len(of_splits) for (_, name), of_splits in values.items() if not name.startswith("lead_")} == {25}
    return {key: sum(of_splits) / len(of_splits) for key, of_splits in values.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_results(name: str, means: dict[tuple[str, str], float]) -> None:
    page = (ROOT / "infra" / "validate" / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(rf"^\| {re.escape(name)} \| (0\.\d+) \|.*\| (0\.\d+) \|", page, re.MULTILINE)
    assert shown == tuple(f"{means[NAMES[name], figure]:.3f}" for figure in ("auc", "top_1%"))


def test_what_a_score_predicts(means: dict[tuple[str, str], float]) -> None:
    def percent(predictor: str) -> str:
        return f"{means[predictor, 'auc']:.0%}".replace("%", " %")

    readme = re.sub(r"\s+", " ", (ROOT / "README.md").read_text(encoding="utf-8"))
    for text in (readme, SCORES.doc):
        assert f"in {percent('2026.11')} of pairs" in text
        assert re.search(rf"PageRank:? (reached )?{percent('pagerank')}", text)
        assert re.search(rf"a count of engagers:? {percent('engagers')}", text)
        assert re.search(rf"acts that fade:? {percent('faded_acts')}", text)
