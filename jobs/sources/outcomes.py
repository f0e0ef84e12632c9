"""The outcome of every act of a pull: `undone`, `left` (its target left), `repeated`, `unresolved`, `rejected`, or `act` with a
target.

Most acts keep the outcome `act` with which they were added. The others take three times their memory. Where rows compete, the
order of lines decides, so the same pages give the same rows.
"""

import duckdb

from jobs.sources.page import LEFT
from jobs.warehouse.suppression import ERASED

ANOTHERS_ID = "has the id of an act by another account"
UNKNOWN_AUTHOR = "author of what was acted on is not known"

_GRAIN = "hash(platform, day, activity_id, kind, target_id, outcome)"

# Acts whose target is not known yet, or left.
_UNSETTLED = f"target_id is null or target_id = '{LEFT}'"
_SETTLE = f"""
create table unsettled as
with undone as (
    select acts.rowid as place from acts semi join undos on acts.platform = undos.platform and acts.actor_id = undos.actor_id
        and acts.activity_id = undos.activity_id and acts.day = coalesce(undos.day, acts.day)
)
select *, rowid as place, rowid in (from undone) as undone from acts where {_UNSETTLED} or rowid in (from undone);
delete from acts where rowid in (select place from unsettled);
insert into acts
with parents as (select platform, object_id, min(account_id) as account_id from authors group by all),
aimed as (
    select unsettled.* exclude (place) replace (coalesce(unsettled.target_id, parents.account_id) as target_id)
    from unsettled left join parents
      on unsettled.target_id is null and unsettled.platform = parents.platform and unsettled.object_id = parents.object_id
),
posts as (
    select * replace ('post' as kind, actor_id as target_id, null as object_id)
    from aimed where target_id is null and kind in ('reply', 'quote') and not undone
)
select * exclude (undone) replace (case when undone then 'undone' when target_id = '{LEFT}' then 'left'
    when target_id is null then 'unresolved' else outcome end as outcome) from aimed
union all select * exclude (undone) from posts;
drop table unsettled;
"""

# Two reports with the same grain on one line (a post that names somebody twice) are one report. A later line with the same
# grain and actor is a repeat, because platforms deliver at least once and dumps overlap. With another actor, one line must be
# wrong: the later is rejected. Few reports share their grain, so only these are compared: sorting a day of all reports costs
# six times as much as the rest.
_SHARED = f"create table shared as select {_GRAIN} as grain from acts group by all having count(*) > 1"
_COMPETE = f"""
create table competing as select * from acts where {_GRAIN} in (from shared);
delete from acts where {_GRAIN} in (from shared);
insert into acts
with each_once as (
    select distinct on (platform, day, file_no, line, activity_id, kind, target_id, outcome) * from competing
    order by occurred_at, actor_id, object_id
)
select * replace (case when outcome = 'act' and row_number() over reports > 1
    then case when actor_id = first_value(actor_id) over reports then 'repeated' else 'rejected' end
    else outcome end as outcome)
from each_once
window reports as (partition by platform, day, activity_id, kind, target_id, outcome order by file_no, line, actor_id);
"""

_NAME_FAULTS = f"""
alter table acts rename to resolved;
insert into faults
select platform, day, file_no, line, outcome,
       case outcome when 'rejected' then '{ANOTHERS_ID}' else '{UNKNOWN_AUTHOR}' end, coalesce(excerpt, activity_id), true
from resolved where outcome in ('rejected', 'unresolved') and excerpt is distinct from '{ERASED}';
create table faulty_lines as  -- one row a line: a rejected line is not also unresolved
select platform, day, file_no, line, min(outcome) as outcome, string_agg(distinct reason, '; ' order by reason) as reason,
       left(min(excerpt), 200) as excerpt, bool_and(dated) as dated
from faults group by all;
"""


def resolve(db: duckdb.DuckDBPyConnection) -> None:
    """Makes the tables `resolved` and `faulty_lines` of `acts` and `faults` in a spool's database. Most pulls have nothing to
    settle and no reports that compete."""
    if _holds(db, "undos") or _holds(db, f"acts where {_UNSETTLED}"):
        db.execute(_SETTLE)
    db.execute(_SHARED)
    if _holds(db, "shared"):
        db.execute(_COMPETE)
    db.execute(_NAME_FAULTS)


def _holds(db: duckdb.DuckDBPyConnection, rows: str) -> bool:
    ((found,),) = db.execute(f"select exists (from {rows})").fetchall()
    return found
