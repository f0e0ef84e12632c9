"""Views for readers that have users of their own, such as Trino, Spark SQL or a copy in PostgreSQL: who may see which scores,
and figures of groups that are too large to give a person away.

A reader registers the tables under their names, runs these statements once, and grants each role the views it may read. A
person who reads `scores_for_self` sees only their own rows: the name of their user must be their person_id. The SQL
is the part that Trino, Spark SQL, DuckDB and PostgreSQL share.
"""

from collections.abc import Sequence

from schemas.consent import AUDIENCES, SCOPES, SELF
from schemas.scores import SCORES

_PARTS = ("influence", "direct", "second", "third")

MIN_GROUP = 10  # people; figures of a smaller group are hidden

_IN_FORCE = """
select person_id, scope from (
    select person_id, scope, row_number() over (partition by person_id order by recorded_at desc,
        case scope {widths} end) as place
    from consent where since <= current_date and (until is null or current_date < until)
) ranked where place = 1
"""

_PUBLISHED = """
select methodology, day from (
    select methodology, day, change, row_number() over (partition by methodology, day order by sequence desc) as place
    from publications
) changes where place = 1 and change <> 'unpublish'
"""

_NARROWER = """
select {columns} from influence
join published_days on published_days.methodology = influence.methodology and published_days.day = influence.day
join consent_in_force on consent_in_force.person_id = influence.person_id
where consent_in_force.scope in ({scopes}){only}
"""

_ONESELF = " and influence.person_id = current_user"  # the person_id is the name of the reader's user
# A person's parts count only if they sum to the published influence, because they may come from a later, unpublished run.
_BY_ACCOUNT = """
select scores.methodology, scores.day, scores.person_id, parts.account_id, parts.platform, parts.handle, {parts}
from scores join (
    select *, sum(influence) over (partition by methodology, day, person_id) as whole from influence_by_account
) parts on parts.methodology = scores.methodology and parts.day = scores.day and parts.person_id = scores.person_id
where abs(parts.whole - scores.influence) <= 0.00000001 * greatest(1, scores.influence)
union all
select methodology, day, person_id, person_id as account_id, platform, handle, {columns} from scores
where not exists (
    select 1 from influence_by_account parts where parts.methodology = scores.methodology and parts.day = scores.day
        and parts.person_id = scores.person_id
)
"""

_FIGURES = "count(*) as people, avg(score) as mean_score"  # no maximum: the highest score is one person's

_BY_DAY = """
select methodology, day, {figures} from scores group by methodology, day having count(*) >= {min_group:d}
"""

_PLATFORMS = "select methodology, day, platform, {figures} from scores group by methodology, day, platform"

_BY_PLATFORM = """
select methodology, day, platform, people, mean_score from ({ranked}) ranked where {is_large}
"""

# Totals are shown too, so a single hidden group could be computed from the others. If a group is too small, the smallest groups
# are hidden: at least two, with at least `min_group` people together.
_RANKED = """
    select *, row_number() over ({of_all}order by people, {group}) as place,
        min(people) over ({of_all_only}) as smallest,
        sum(people) over ({of_all}order by people, {group}
            rows between unbounded preceding and current row) - people as smaller
    from ({groups}) groups
"""
_IS_LARGE = """
people >= {min_group:d} and (smallest >= {min_group:d} or (place > 2 and smaller >= {min_group:d}))
"""


def ranked(groups: str, group: str, of_all: Sequence[str] = ()) -> str:
    """A query for the groups with the columns that `is_large` needs. `groups`: a query with the column `people` and a column
    that `group` names. Groups with equal values in the columns `of_all` form one whole, whose size is known; `group` is unique
    in it."""
    partition = f"partition by {', '.join(of_all)}" if of_all else ""
    places = {"of_all": partition + " " * bool(of_all), "of_all_only": partition}
    return _RANKED.format(groups=groups, group=group, **places).rstrip()


def is_large(min_group: int) -> str:
    """The condition that selects, from the rows of `ranked`, the groups whose figures may be shown."""
    return _IS_LARGE.format(min_group=min_group).strip()


def queries(min_group: int = MIN_GROUP) -> dict[str, str]:
    """View -> its query, in the order in which to create them. `min_group`: people; figures of smaller groups are hidden."""
    widths = " ".join(f"when '{scope}' then {width}" for width, scope in enumerate(SCOPES))
    columns = ", ".join(f"influence.{name}" for name in SCORES.column_names)

    def narrower(least: str, only: str = "") -> str:
        scopes = SCOPES[SCOPES.index(least) :]
        return _NARROWER.format(columns=columns, scopes=", ".join(f"'{scope}'" for scope in scopes), only=only)

    made = {
        "consent_in_force": _IN_FORCE.format(widths=widths),
        "published_days": _PUBLISHED,
        f"scores_for_{AUDIENCES}": narrower(AUDIENCES),
        f"scores_for_{SELF}": narrower(SELF, _ONESELF),
        "scores_by_account": _BY_ACCOUNT.format(
            columns=", ".join(_PARTS), parts=", ".join(f"parts.{name}" for name in _PARTS)
        ),
        "scores_by_day": _BY_DAY.format(figures=_FIGURES, min_group=min_group),
        "scores_by_platform": _BY_PLATFORM.format(
            ranked=ranked(_PLATFORMS.format(figures=_FIGURES), "platform", ("methodology", "day")),
            is_large=is_large(min_group),
        ),
    }
    return {name: query.strip() for name, query in made.items()}


def statements(min_group: int = MIN_GROUP) -> str:
    """The `create view` statements, each ended by a semicolon."""
    return "\n\n".join(f"create or replace view {name} as\n{query};" for name, query in queries(min_group).items())
