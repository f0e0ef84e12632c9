"""Prints the results of `jobs.why.explain` in plain words."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from jobs import labels
from jobs.cli.display import print_table, say
from jobs.days import spans
from jobs.labels import plain
from jobs.why.explain import PARTS, Explanation
from schemas.kinds import SIMULATED_PREFIX
from schemas.objections import LINK

VERBS = {
    "quote": "quoted",
    "reshare": "shared",
    "reply": "replied to",
    "mention": "mentioned",
    "like": "liked",
    "follow": "followed",
}
YOU = "you"


def print_explanation(explanation: Explanation, label: str) -> None:
    """Prints the result of `jobs.why.explain.explained`: the score of one day. Adds the label of real people."""
    name, person = Names(explanation), explanation["person_id"]
    say(f"{person}{name.handle(person)} on {explanation['day']}, by methodology {explanation['methodology']}")
    say(f'"You" is {person}.\n')
    points = ", ".join(f"{explanation['points'][part]:.2f} {part}" for part in PARTS)
    worth = ", ".join(f"{explanation[part]:,.4f} {part}" for part in PARTS)
    say(f"Your score is {explanation['score']:.2f}: {points}.")
    say(f"You hold {explanation['influence']:,.4f} accounts' worth of attention: {worth}.")
    say("Direct: from those who engage with you. Second: what others hand on to them. Third: one step further.")
    bots = explanation["bot_engager_count"]
    besides = f", and {bots:,} {'bot' if bots == 1 else 'bots'} without effect" if bots else ""
    covered = f"{explanation['window_coverage']:.0%} of the window's days are covered"
    say(f"{people_of(explanation['engager_count'])} engaged with you{besides}; {covered}.")
    if explanation["left_days"]:
        say(
            f"An engager left, whose acts are erased ({spans(explanation['left_days'])}); this score was computed without them."
        )
    _print_beside(explanation)
    _print_similar(explanation["similar_scores"])
    say()
    if not explanation["engagers"]:
        say("Nobody engaged with you in the window, so there is nothing to hand on.")
    else:
        _print_accounts(explanation)
        _print_engagers(explanation, name)
        _print_kinds(explanation["kinds"])
        _print_paths(explanation["paths"], explanation["other_paths"], name)
    if "acts" in explanation:
        _print_acts(explanation["acts"], name)
    for one in explanation["objections"]:
        src, dst = name(one["src"]), name(one["dst"])
        act = plain(one["activity_id"]) or f"an act by {src} towards {dst}"
        act = f"the link of {src} and {dst}" if one["kind"] == LINK else act
        said = f": {plain(one['answer'])}" if one["answer"] else ""
        say(f"Objection to {act} of {one['day']} ({plain(one['why'])}): {one['state']}{said}")
    close(person, label)


class Names:
    """Names people: `you` for the explained person, `somebody` for a person who may not be named; for all others the handle or,
    if it is unknown, the person_id."""

    def __init__(self, explanation: Explanation) -> None:
        self._handles: Mapping[str, str] = explanation["handles"]
        self._you = explanation["person_id"]

    def __call__(self, person: str | None) -> str:
        """The person's name. `person` is None for a person who may not be named."""
        if person is None:
            return labels.SOMEBODY
        return YOU if person == self._you else plain(self._handles.get(person, person))

    def handle(self, person: str) -> str:
        """The person's handle in brackets, after a space; empty if it is unknown."""
        return f" ({plain(self._handles[person])})" if person in self._handles else ""


def people_of(count: int) -> str:
    """Such as `1 person` or `1,234 people`."""
    return f"{count:,} {'person' if count == 1 else 'people'}"


def _print_beside(explanation: Explanation) -> None:
    """Prints the measures that are no part of the score: amplification and inclusion, if known."""
    measures = []
    if explanation["amplification"] is not None:
        measures.append(f"each post of yours set off {explanation['amplification']:,.2f} acts of others")
    if explanation["inclusion"] is not None:
        measures.append(
            f"inclusion {explanation['inclusion']:.0f} of 100 (100: you answer people regardless of how much attention they"
            " hold)"
        )
    if measures:
        say(f"Not part of the score: {'; '.join(measures)}.")


def _print_similar(similar: Explanation | None) -> None:
    """Prints how often people with a similar score were engaged with afterwards, if a day was validated."""
    if similar:
        say(
            f"Of people with a score like yours (tenth {similar['tenth']} of 10), {similar['share']:.0%} were engaged with in"
            f" the week after {similar['measured_on']}. That happened to others; it is no promise."
        )
        if similar["auc"] is not None:
            say(
                f"Whom somebody engaged with that week had a higher score than whom nobody did in {similar['auc']:.0%} of pairs"
                " (chance: 50%). A score does not measure quality or trust."
            )


def _print_accounts(explanation: Explanation) -> None:
    """Prints what each of several accounts contributes."""
    rows = [
        (plain(account["account_id"]), f"{account['points']:.4f}", f"{account['influence']:,.4f}")
        for account in explanation.get("accounts", ())
    ]
    if rows:
        print_table(
            "Your accounts; acts between them count for nothing", ("account", "points", "attention"), rows, ("account",)
        )
        say()


def _print_engagers(explanation: Explanation, name: Names) -> None:
    rows = [
        (name(engager["person_id"]), f"{engager['points']:.4f}", _counted(engager["kinds"]), f"{engager['influence']:,.4f}",
         *(f"{engager[part]:,.4f}" for part in PARTS))
        for engager in explanation["engagers"]
    ]  # fmt: skip
    others = explanation["other_engagers"]
    if others["people"]:
        rows.append(
            (f"{others['people']:,} others", f"{others['points']:.4f}", "", f"{others['influence']:,.4f}", "", "", "")
        )
    rows.append(
        (
            "total",
            f"{explanation['score']:.4f}",
            "",
            f"{explanation['influence']:,.4f}",
            *(f"{explanation[part]:,.4f}" for part in PARTS),
        )
    )
    names = ("engaged with you", "points", "by", "influence", "= direct", "+ second", "+ third")
    print_table("Who your attention comes from", names, rows, texts=("engaged with you", "by"))


def _counted(kinds: Sequence[Explanation]) -> str:
    """The acts and their points, such as `2 reshares 0.4132, 1 like 0.0213`. All acts are on the engager's platform. A single
    kind is shown without points, because the row already shows them."""
    counted = [f"{kind['act_count']:,} {_plural(kind['kind'], kind['act_count'])}" for kind in kinds]
    if len(kinds) > 1:
        counted = [f"{acts} {kind['points']:.4f}" for acts, kind in zip(counted, kinds, strict=True)]
    return ", ".join(counted)


def _plural(kind: str, count: int) -> str:
    return kind if count == 1 else "replies" if kind == "reply" else f"{kind}s"


def _print_kinds(kinds: Sequence[Explanation]) -> None:
    rows = [
        (plain(kind["platform"]), _plural(kind["kind"], 2), f"{kind['act_count']:,}", f"{kind['points']:.4f}",
         f"{kind['influence']:,.4f}")
        for kind in kinds
    ]  # fmt: skip
    names = ("platform", "kind", "acts", "points", "influence")
    print_table("By what they did", names, rows, texts=("platform", "kind"))


def _print_paths(paths: Sequence[Explanation], others: Mapping[str, Explanation], name: Names) -> None:
    titles = ("Largest direct", "Largest of the second degree", "Largest of the third degree")
    for steps, (part, title) in enumerate(zip(PARTS, titles, strict=True), 1):
        mine = [path for path in paths if len(path["people"]) == steps + 1]
        if mine:
            say(f"{title}, in accounts' worth")
            for path in mine:
                say(f"  {path['influence']:.4f}  {_walked(path, name)}")
            if others[part]["influence"]:
                say(f"  {others[part]['influence']:,.4f}  others")
            say()


def _walked(path: Explanation, name: Names) -> str:
    """The path in words, such as `cy replied to ana, who shared you`."""
    first, *_ = path["people"]
    steps = [
        f"{VERBS[kind]} {name(target)}"
        for kind, (_, target) in zip(path["kinds"], pairwise(path["people"]), strict=True)
    ]
    return f"{name(first)} " + ", who ".join(steps)


def _print_acts(acts: Sequence[Explanation], name: Names) -> None:
    rows = [
        (_time(act), name(_person(act, "actor_id")), VERBS[act["kind"]],
         name(_person(act, "target_id")), plain(act["source"]), plain(act["activity_id"]))
        for act in acts
    ]  # fmt: skip
    names = ("time (UTC)", "who", "did", "whom", "source", "activity_id")
    print_table("Acts behind these paths", names, rows, texts=names)


def _time(act: Explanation) -> str:
    return str(act["day"]) if act["occurred_at"] is None else f"{act['occurred_at']:%Y-%m-%d %H:%M:%S}"


def _person(act: Explanation, end: str) -> str | None:
    return None if act[end] is None else f"{act['platform']}:{act[end]}"


def close(person: str, label: str) -> None:
    """Prints the last line: that the person is simulated, or the label of real people."""
    say(labels.SIMULATED if person.startswith(SIMULATED_PREFIX) else plain(label))
