"""All tables, in the order in which a night fills them."""

from schemas.accounts import ACCOUNTS
from schemas.accounts_known import ACCOUNTS_KNOWN
from schemas.activity import ACTIVITY
from schemas.claims import CLAIMS
from schemas.consent import CONSENT
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.histories import HISTORIES
from schemas.influence import INFLUENCE
from schemas.influence_by_account import INFLUENCE_BY_ACCOUNT
from schemas.legal_bases import LEGAL_BASES
from schemas.links import LINKS
from schemas.lookups import LOOKUPS
from schemas.methodologies import METHODOLOGIES
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.objections import OBJECTIONS
from schemas.publications import PUBLICATIONS
from schemas.rejects import REJECTS
from schemas.requests import REQUESTS
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES
from schemas.suppressed import SUPPRESSED
from schemas.validations import VALIDATIONS

TABLES = (
    ACTIVITY,
    ACCOUNTS,
    ACCOUNTS_KNOWN,
    COVERAGE,
    REJECTS,
    ENGAGEMENT,
    MONTHLY_WEIGHTS,
    INFLUENCE,
    INFLUENCE_BY_ACCOUNT,
    CONSENT,
    LEGAL_BASES,
    CLAIMS,
    LINKS,
    SUPPRESSED,
    OBJECTIONS,
    REQUESTS,
    LOOKUPS,
    SCORES,
    HISTORIES,
    PUBLICATIONS,
    RESTATEMENTS,
    SCORE_CHANGES,
    VALIDATIONS,
    METHODOLOGIES,
    RUNS,
)
