"""Prints the results of `jobs.why.explain_change` in plain words."""

from jobs.cli.display import say
from jobs.cli.explanations import Names, close, people_of
from jobs.labels import plain
from jobs.why.explain import Explanation

NEVER_A_LOSS = (
    "Nobody lowers your score by engaging with you, however low their own score is: the sum above includes every effect of"
    " their act, and it is never below zero. A score falls when engagement fades or leaves, when engagers turn to"
    " others, or when less attention reaches you through those who engage with you."
)


def print_change(explanation: Explanation, label: str) -> None:
    """Prints the result of `jobs.why.explain_change.explained`: the change of a score between two days. Adds the label of real
    people."""
    name, person = Names(explanation), explanation["person_id"]
    before, after = explanation["since_score"], explanation["score"]
    attention_before, attention_after = explanation["since_influence"], explanation["influence"]
    change = after - before
    went = "did not change" if not change else f"{'rose' if change > 0 else 'fell'} by {abs(change):.4f} points"
    say(f'"You" is {person}{name.handle(person)}.\n')
    since, day = explanation["since_day"], explanation["day"]
    say(f"Since {since} your score {went}: from {before:.4f} to {after:.4f} on {day}.")
    say(f"The attention you hold went from {attention_before:,.4f} to {attention_after:,.4f} accounts' worth.\n")
    rows = [
        (f"{reason['points']:+.4f}", f"{reason['influence']:+,.4f}", _sentence(reason, explanation))
        for reason in explanation["reasons"]
    ]
    rows.append((f"{change:+.4f}", f"{attention_after - attention_before:+,.4f}", "total"))
    say(f"{'points':>9} {'attention':>14}")
    for points, worth, sentence in rows:
        say(f"{points:>9} {worth:>14}   {sentence}")
    say()
    for reason in explanation["reasons"]:
        if reason["people"]:
            say(f"{_sentence(reason, explanation)}: {_most(reason, name)}")
    for platform, days in explanation["uncovered_days"].items():
        say(
            f"{platform} was not covered on {len(days)} days in between; none of its acts could arrive or fade on them."
        )
    say(f"\n{NEVER_A_LOSS}")
    shorter = [part for part in ("second", "third") if explanation[part] < explanation[f"since_{part}"]]
    if shorter and attention_after > attention_before:
        say(
            f"Your {' and '.join(shorter)} degree fell while the sum rose: the parts say by how many steps attention comes, and"
            " may trade places; the sum is what counts."
        )
    close(person, label)


def _sentence(reason: Explanation, explanation: Explanation) -> str:
    count = reason["people_count"]
    people, s = people_of(count), "s" if count == 1 else ""
    more = "more" if reason["influence"] >= 0 else "less"
    match reason["reason"]:
        case "new_engagement":
            return f"new acts of {people} who had engaged with you before"
        case "engager_arrived":
            return f"{people} newly engage{s} with you"
        case "faded_engagement":
            return f"earlier acts of {people} faded with time"
        case "engager_left":
            return f"{people} no longer engage{s} with you: their acts are too long ago"
        case "attention_moved":
            turned = "distributed their attention differently" if more == "more" else "turned their attention elsewhere"
            return f"{people} who engage{s} with you {turned}: {more} of it reaches you"
        case "engagers_attention":
            return f"{more} attention reaches you through those who engage with you"
        case "coverage_restored":
            return (
                f"more is known about earlier days: acts of {people} arrived that had been missing, or aged by days now"
                " covered"
            )
        case "coverage_missing":
            return (
                f"less is known about earlier days: acts of {people} are gone, or aged less by days no longer covered"
            )
        case "credibility":
            return f"{people} declared that they are {'a bot' if count == 1 else 'bots'}, or no longer do"
        case "accounts_linked":
            gained, lost = explanation["accounts_gained"], explanation["accounts_lost"]
            parts = [f"{plain(account)} became yours" for account in gained]
            parts += [f"{lost} account{'' if lost == 1 else 's'} ceased to be yours"] if lost else []
            return f"{' and '.join(parts)}: {more} attention reaches you than before"
    return f"methodology {explanation['methodology']} counts the same acts differently from {explanation['since_methodology']}"


def _most(reason: Explanation, name: Names) -> str:
    """The people behind a reason, each with the change that they caused, in accounts' worth."""
    named = [f"{name(person['person_id'])} {person['influence']:+,.4f}" for person in reason["people"]]
    others = reason["others"]
    if others["people"]:
        named.append(f"{others['people']:,} others {others['influence']:+,.4f}")
    return ", ".join(named)
