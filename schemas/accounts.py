"""accounts: attributes of accounts as observed on a day, such as handle and bot flag."""

from schemas.table import Column, Table

ACCOUNTS = Table(
    name="accounts",
    version=2,
    doc="An account as observed on a day. For each column, readers take the newest known value of their own day or earlier.",
    grain=("platform", "account_id", "day", "source"),
    partition_by=("platform", "day", "source"),
    columns=(
        Column("platform", "string", "Platform the account lives on."),
        Column("day", "date", "UTC day on which this was observed."),
        Column(
            "source", "string", "ID of the source that observed it; of two on one day, readers take the first by name."
        ),
        Column("account_id", "string", "The platform's id of the account."),
        Column("handle", "string", "The name people see; null if unknown.", nullable=True),
        Column("display_name", "string", "The account's own title; null if unknown.", nullable=True),
        Column("created_at", "timestamp", "Instant the account was created; null if unknown.", nullable=True),
        Column("follower_count", "long", "Accounts following it; null if unknown.", nullable=True),
        Column("following_count", "long", "Accounts it follows; null if unknown.", nullable=True),
        Column("is_bot", "boolean", "Declared by the account itself to be automated; null if unknown.", nullable=True),
        Column(
            "pull",
            "string",
            "Run that pulled the row; the rule of `activity.pull` decides whether it counts.",
            nullable=True,
        ),
    ),
)
