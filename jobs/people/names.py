"""Hides those people in an explanation who may not be named. Their numbers stay, so all sums stay exact."""

from typing import Any

from jobs.people.admission import Admission

Explanation = dict[str, Any]


def hidden(explanation: Explanation, admission: Admission) -> Explanation:
    """The explanation (as from `jobs.why`) with null in place of each person who may not be named. The ids and instants of acts
    by or towards such a person are null too, because their platform would name the person by them. These acts come first within
    their day."""
    named = admission.named(_people(explanation)) | {explanation["person_id"]} | _accounts(explanation)
    shown = dict(explanation)
    for group in ("engagers", "paths", "acts", "reasons", "objections"):
        if group in explanation:
            shown[group] = [_hidden(item, named) for item in explanation[group]]
    if "acts" in shown:
        shown["acts"].sort(key=lambda act: (act["day"], act["occurred_at"] is not None))  # stable: others stay in order
    shown["handles"] = {person: handle for person, handle in explanation["handles"].items() if person in named}
    return shown


def _accounts(explanation: Explanation) -> set[str]:
    """The accounts of the person whose score is explained, if there are several."""
    return {each["account_id"] for each in explanation.get("accounts", ())}


def _people(explanation: Explanation) -> set[str]:
    people = {person for path in explanation.get("paths", ()) for person in path["people"]}
    people |= {engager["person_id"] for engager in explanation.get("engagers", ())}
    people |= {person["person_id"] for reason in explanation.get("reasons", ()) for person in reason["people"]}
    people |= {act[end] for act in explanation.get("objections", ()) for end in ("src", "dst")}
    return people | {person for act in explanation.get("acts", ()) for person in _both(act)}


def _both(act: Explanation) -> tuple[str, str]:
    return f"{act['platform']}:{act['actor_id']}", f"{act['platform']}:{act['target_id']}"


def _hidden(item: Explanation, named: set[str]) -> Explanation:
    """One engager, path, act, reason or objection."""
    if "src" in item:
        is_named = {item["src"], item["dst"]} <= named
        ends = {end: item[end] if item[end] in named else None for end in ("src", "dst")}
        return item | ends | {"activity_id": item["activity_id"] if is_named else None}
    if "actor_id" in item:
        names = [who in named for who in _both(item)]
        hiding = ("actor_id", "target_id", "activity_id", "occurred_at")
        shown = dict(zip(hiding, (*names, all(names), all(names)), strict=True))
        return {name: value if shown.get(name, True) else None for name, value in item.items()}
    if "people" in item:
        people = [
            _hidden(person, named) if isinstance(person, dict) else person if person in named else None
            for person in item["people"]
        ]
        return item | {"people": people}
    return item if item["person_id"] in named else item | {"person_id": None}
