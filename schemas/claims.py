"""claims: what the profiles of accounts claim about accounts and domains. Rows are only added."""

from schemas.table import Column, Table

OWN, REL_ME, PROFILE, DOMAIN, CODE = "own", "rel_me", "profile", "domain", "code"
KINDS = {
    OWN: "an address of the account itself",
    REL_ME: "an account to which the profile links, on a page that links back",
    PROFILE: "an account that the profile names in a field for own addresses",
    DOMAIN: "a domain that the platform verified",
    CODE: "a code of `clout link code` in the profile",
}

CLAIMS = Table(
    name="claims",
    version=1,
    doc="Statements of one side, as pulls see them in profiles. A statement links nothing by itself: if two accounts confirm"
    " each other, `links` has a row from each. Of rows that agree in account, place, kind, value and `first_seen`, the one"
    " recorded last counts.",
    grain=("account", "place", "kind", "value", "first_seen", "recorded_at"),
    partition_by=(),
    columns=(
        Column("account", "string", "`platform:account_id` of the account whose profile says so."),
        Column("place", "string", "The part of the account that was read, such as `profile`."),
        Column("kind", "string", "; ".join(f"`{kind}`: {meaning}" for kind, meaning in KINDS.items()) + "."),
        Column("value", "string", "The named account as `platform:name`, the domain, or the code."),
        Column("first_seen", "date", "First UTC day on which a pull saw it."),
        Column("until", "date", "UTC day on which a pull no longer saw it; null while it is there.", nullable=True),
        Column(
            "recorded_at", "timestamp", "Instant, by the platform's clock, at which it was seen, or seen to be gone."
        ),
    ),
)
