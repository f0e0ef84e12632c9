"""Inputs and outputs of each command as OpenLineage datasets: tables of the warehouse, and files of sources.

Every task imports this module. So it imports OpenLineage only when the OpenLineage provider calls `of`.
"""

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

GROUNDS = ("consent", "legal_bases", "links", "objections", "suppressed")  # who may be published

# command -> (tables it reads, tables it writes), without `runs`, which every command writes.
TABLES: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "pull": ((), ("activity", "accounts", "rejects", "coverage", "consent", "claims", "links")),
    "engagement": (("activity", "coverage", "objections"), ("engagement",)),
    "influence": (("engagement", "accounts", "coverage", "links", "objections"), ("influence", "influence_by_account")),
    "checks": (("influence", "publications", "coverage"), ()),
    "publish": (
        ("influence", *GROUNDS),
        ("scores", "publications", "methodologies", "restatements"),
    ),
    "person": (("requests",), ()),
    "consent": (GROUNDS, ("scores", "publications", "restatements", "score_changes", "histories")),
    "repair": (
        ("coverage", "publications", *GROUNDS),
        (
            "activity",
            "accounts",
            "rejects",
            "coverage",
            "engagement",
            "influence",
            "influence_by_account",
            "scores",
            "publications",
            "methodologies",
            "restatements",
        ),
    ),
    "validate": (("engagement", "influence", "accounts", "coverage"), ("validations",)),
    "maintain": ((), ()),  # no result changes: it merges files, deletes expired data and renews copies
}


def of(command: Sequence[str], warehouse: str) -> "OperatorLineage":
    """Inputs and outputs of a command (`command[0]`, then its arguments) on the warehouse, a folder or a URL. Raises `KeyError`
    for a command that `TABLES` lacks."""
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    def datasets(places: Sequence[str]) -> list[Dataset]:
        return [Dataset(*name_of(place)) for place in places]

    reads, writes = TABLES[command[0]]
    source_places = [value.partition("=")[2] for option, value in pairwise(command) if option == "--source"]
    sources = [place for place in source_places if place]
    return OperatorLineage(
        inputs=datasets([*sources, *(f"{warehouse}/{table}" for table in reads)]),
        outputs=datasets([f"{warehouse}/{table}" for table in writes]),
    )


def name_of(place: str) -> tuple[str, str]:
    """(namespace, name) of a path or URL, as OpenLineage names datasets: `file` and the path, `s3://bucket` and the key."""
    url = urlsplit(place)
    if url.scheme and url.netloc:
        return f"{url.scheme}://{url.netloc}", url.path.strip("/") or "/"
    return "file", os.path.abspath(place)
