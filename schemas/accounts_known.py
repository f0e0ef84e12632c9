"""accounts_known: the newest known values of every account at the end of a month, so that nightly runs need not read all
months."""

from schemas.table import Column, Table

ACCOUNTS_KNOWN = Table(
    name="accounts_known",
    version=1,
    doc="The newest known values of every account observed up to the end of a month, made from `accounts` and `coverage`. It"
    " only saves time: without it, every result is the same.",
    grain=("month", "basis", "platform", "account_id"),
    partition_by=("month", "basis"),
    columns=(
        Column("month", "date", "First UTC day of the month at whose end this was known."),
        Column(
            "basis", "string", "Digest of the names of the files it was made from; the copy is ignored if they changed."
        ),
        Column("platform", "string", "Platform the account lives on."),
        Column("account_id", "string", "The platform's id of the account."),
        Column(
            "handle", "string", "The newest known name that people see; null if none was ever known.", nullable=True
        ),
        Column(
            "is_bot",
            "boolean",
            "Whether it is automated, as last known; null if never known.",
            nullable=True,
        ),
    ),
)
