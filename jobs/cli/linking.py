"""Commands about people with several accounts: link two accounts, end a link, list links."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from jobs.cli import display
from jobs.cli.display import say
from jobs.cli.options import DAY_FORMAT, FLAG, Sample, Verbose, log, open_to_read
from jobs.user import user

if TYPE_CHECKING:
    import pyarrow as pa

    from jobs.links import Params

ADD = "add"
LISTED = 50  # people


class AddByDefault(TyperGroup):
    """A group that takes `clout link A B` for `clout link add A B`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the command's name first if it is missing."""
        is_named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if is_named else [ADD, *args])


link = typer.Typer(
    name="link",
    cls=AddByDefault,
    help="Accounts of one person: `clout link ACCOUNT ACCOUNT` links two, `clout link end` ends a link.",
    no_args_is_help=True,
)

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="PLATFORM:ACCOUNT_ID, such as `twitter:88`.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who says so; your user name if left out.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="How you know; it is kept with the link.")]


@link.command(ADD)
def add(
    account: Account,
    other: Account,
    why: Why,
    by: By = None,
    since: Annotated[datetime | None, typer.Option(help="First UTC day; today if left out.", **DAY_FORMAT)] = None,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Record that two accounts are one person. Nobody else's score changes.

    Example: clout link mastodon.example:42 github:ana --why "each names the other" --since 2026-11-01
    """
    from jobs import links as job
    from jobs.warehouse.links import of_accounts
    from jobs.warehouse.runs import Batch

    log(verbose)
    params = _params(since, by, why)
    warehouse = open_to_read(sample)
    warehouse.require_writable()
    job.record(warehouse, params, account, other, Batch(f"link {params.at}"))
    people = of_accounts(params.day, warehouse, [account, other])
    if account in people.person_of:
        person = people.person_of[account]
        say(f"{', '.join(people.of(person))}: one person, {person}, from {params.day} on")
    else:
        (large,) = people.too_large.to_pylist()
        say(f"recorded, but not joined: {large['account_count']} accounts would be one person (max_accounts)")
    say("published days that this changes: `clout stale`")


@link.command()
def end(
    account: Account,
    other: Account,
    why: Why,
    by: By = None,
    day: Annotated[
        datetime | None,
        typer.Option("--from", help="UTC day from which it no longer holds; today if left out.", **DAY_FORMAT),
    ] = None,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """End a link between two accounts. With its first day or an earlier one, it is undone as if it had never been.

    Example: clout link end mastodon.example:42 github:ana --why "another Ana" --from 2026-11-01
    """
    from jobs import links as job
    from jobs.warehouse.runs import Batch

    log(verbose)
    params = _params(day, by, why)
    warehouse = open_to_read(sample)
    warehouse.require_writable()
    job.end(warehouse, params, account, other, Batch(f"link end {params.at}"))
    say(f"{account} and {other}: not linked with each other from {params.day} on")
    say("published days that this changes: `clout stale`")


@link.command()
def code(account: Account, other: Account) -> None:
    """Print a code by which a person says, from both profiles, that two accounts are theirs. Only these two can use it.

    Needs CLOUT_CONSENT_KEYS. infra/runbooks/links.md says where to place the code.

    Example: clout link code mastodon.example:42 github:ana
    """
    from jobs import links as job
    from jobs.people import claims

    say(claims.code(*job.pair(account, other)))


def links(
    person: Annotated[str | None, typer.Argument(metavar="PERSON", help="A person_id, or any account.")] = None,
    day: Annotated[datetime | None, typer.Option("--day", help="UTC day; today if left out.", **DAY_FORMAT)] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar=FLAG, help="JSON instead of a table.")] = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """List people with several accounts, or one person's accounts and the evidence for them.

    Without a person it lists only people who may be named, and accounts that are not joined because they would be too many: by
    a chain of links, or by one domain.
    """
    from jobs.people.admission import decide
    from jobs.people.claims import crowded_domains
    from jobs.warehouse import links as people

    log(verbose)
    warehouse, on = open_to_read(sample), (day or datetime.now(UTC)).date()
    if person:
        found = people.of_accounts(on, warehouse, [person])
        who = found.person_of.get(person, person)
        evidence = people.evidence(warehouse, found.of(who))
        if as_json:
            large = found.too_large.to_pylist()
            held = {"accounts": found.of(who), "evidence": evidence, "too_large": large}
            display.print_json({"person_id": who, "day": on, **held})
            return
        say(f"{who} on {on}: {', '.join(found.of(who))}")
        texts = [name for name in people.SHOWN if name not in ("first_seen", "until")]
        rows = [[str(row[name] or "") for name in people.SHOWN] for row in evidence]
        display.print_table("Evidence", people.SHOWN, rows, texts=texts)
        _say_not_joined(found.too_large)
        return
    everybody = people.at_end_of(on, warehouse)
    owned = everybody.by_person()
    named = decide(warehouse).named(owned)
    shown = {who: accounts for who, accounts in owned.items() if who in named}
    crowded = crowded_domains(warehouse)
    if as_json:
        listed = [{"person_id": who, "accounts": accounts} for who, accounts in shown.items()]
        counts = {"people": len(owned), "not_named": len(owned) - len(shown)}
        not_joined = {"too_large": everybody.too_large.to_pylist(), "crowded_domains": crowded}
        display.print_json({"day": on, **counts, "listed": listed, **not_joined})
        return
    say(f"{len(owned):,} people with several accounts on {on}; {len(owned) - len(shown):,} of them may not be named")
    rows = [[who, ", ".join(accounts)] for who, accounts in list(shown.items())[:LISTED]]
    if rows:
        display.print_table("People with several accounts", ("person", "accounts"), rows, texts=("person", "accounts"))
    if len(shown) > LISTED:
        say(f"{len(shown) - LISTED:,} more: `clout links --json`")
    _say_not_joined(everybody.too_large)
    for domain in crowded:
        say(f"not joined: {domain['account_count']} accounts that share {domain['domain']} (max_accounts)")


def _say_not_joined(too_large: "pa.Table") -> None:
    for component in too_large.to_pylist():
        say(f"not joined: {component['account_count']} accounts around {component['person']} (max_accounts)")


def _params(day: datetime | None, by: str | None, why: str) -> "Params":
    from jobs import links as job

    at = datetime.now(UTC)
    return job.Params(at=at, by=by or user(), day=(day or at).date(), why=why)
