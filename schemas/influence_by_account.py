"""influence_by_account: the parts of people who have several accounts. Internal."""

from schemas.influence import PERSON_COLUMNS
from schemas.table import Column, Table

_OF_PERSON = ("day", "methodology", "person_id")
_OF_ACCOUNT = {
    "account_id": "`platform:account_id` of one of the person's accounts.",
    "platform": "Platform of the account.",
    "handle": "Newest known name of the account; null if unknown.",
    "simulated": "True for accounts of the bundled simulation.",
    "influence": "What reaches this account from accounts of others, in accounts' worth; the rows sum to the person's.",
    "direct": "Part of `influence` from those who engage with the account, in accounts' worth.",
    "second": "Part that reached those engagers from others, in accounts' worth.",
    "third": "Part that came one step further, in accounts' worth.",
}
_COLUMNS = {column.name: column for column in PERSON_COLUMNS}

INFLUENCE_BY_ACCOUNT = Table(
    name="influence_by_account",
    version=1,
    doc="Of each person with several accounts, what each account holds. People with one account have no row. Internal: readers"
    " use the view `scores_by_account`.",
    grain=("methodology", "day", "account_id"),
    partition_by=("methodology", "day"),
    columns=(
        *(_COLUMNS[name] for name in _OF_PERSON),
        *(
            Column(name, _COLUMNS[name].type if name in _COLUMNS else "string", doc, nullable=name == "handle")
            for name, doc in _OF_ACCOUNT.items()
        ),
    ),
)
