"""links: evidence that two accounts are one person. Rows are only added."""

from schemas.table import Column, Table

OPERATOR, PERSON = "operator", "person"
STATEMENTS = {OPERATOR: "the operator said so", PERSON: "the person said so, and somebody recorded it"}
BY_BOTH = {
    "rel_me": "each profile links to the other, and the platforms checked it",
    "domain": "both platforms verified the same domain",
    "profile": "each profile names the other account",
    "code": "each profile carries the code that was made for these two accounts",
}
KINDS = {**STATEMENTS, **BY_BOTH}  # kind of evidence -> its meaning

LINKS = Table(
    name="links",
    version=1,
    doc="Evidence that two accounts are one person. A statement (kind `operator` or `person`) links by itself. Every other kind"
    " links on days on which there is such evidence from both accounts: a claim of one account never does. Of rows that agree"
    " in pair, kind, `first_seen` and (except for statements) `said_by`, the one recorded last counts. Rows are never changed:"
    " a later row replaces an earlier one.",
    grain=("account_a", "account_b", "kind", "said_by", "first_seen", "recorded_at"),
    partition_by=(),
    columns=(
        Column("account_a", "string", "`platform:account_id` of one account; before `account_b` in UTF-8 order."),
        Column("account_b", "string", "`platform:account_id` of the other account."),
        Column("kind", "string", "; ".join(f"`{kind}`: {meaning}" for kind, meaning in KINDS.items()) + "."),
        Column("first_seen", "date", "First UTC day on which it holds."),
        Column(
            "until",
            "date",
            "UTC day from which it no longer holds; null while it does. If not after `first_seen`, it never held.",
            nullable=True,
        ),
        Column("said_by", "string", "Who said so: a user's or service's name for statements, else the account."),
        Column("why", "string", "Reason given with the statement; null if none was given.", nullable=True),
        Column("recorded_at", "timestamp", "Instant at which it was recorded."),
    ),
)
