"""Files of a night's acts, and the warehouse that the nights before have left, as `night` measures them. Kept in the folder of
`graphs.folder`.

Each actor engages with the same few people again and again: three neighbours on either side, who answer, and some whom many
engage with. A skewed graph hands a share of its pairs to one account.

The window is 180 days, of `USUAL` times fewer acts each. Five of its months are whole and are added up in `monthly_weights`;
their days are covered and counted, but `engagement` lacks their rows, which no night reads. The other days of the window have
their rows. Every account was observed on October 31st.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import graphs
import grounds
import growth
import pyarrow as pa
from history_tables import PLATFORM, SOURCE, append, coverage_row, rows_of, run_row

from jobs import monthly_weights
from jobs.days import days_between, month_of
from jobs.warehouse import counted, known_accounts
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import counted_window, digests_of_days
from schemas import arrow
from schemas.accounts import ACCOUNTS
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.methodology import load
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.runs import RUNS
from schemas.table import Table

METHODOLOGY = "2026.12.1"  # adds by month
DAY = date(2026, 11, 15)  # the window's first month is May from its 20th on, its last one is November up to its 15th
OBSERVED = date(2026, 10, 31)
ACTS_OF_A_PERSON = 2.5  # in the night
FRIENDS = 12  # five in six of an actor's pairs occur in the window
USUAL = 22  # times fewer acts had a day before
PARQUET, LINES, WINDOW = "acts.parquet", "acts.jsonl.zst", "window"
MOST_LINES = 5_000_000
EVEN, RECEIVER, ACTOR = "even", "one account receives 5 %", "one actor has a million targets"
SHAPES = (EVEN, RECEIVER, ACTOR)
RECEIVED = 20  # each such pair is one with the receiver
TARGETS = 1_200_000  # of the one actor; five in six occur in the window

# The pairs by number: src and dst. Pairs of an actor differ: neighbours by their distance, others by the remainder of 6. The
# account that a skewed graph has in addition is the last one. The hash of a pair and a month is hashed again, because the
# first hashes of a pair in two months are not independent: months would share fewer pairs than by chance.
PAIRS = f"""
    create or replace macro unit(a, b) as hash(hash(a, b)) / 18446744073709551616.0;
    create or replace macro famous(pair, people) as
        6 * cast(floor(people / 6 * pow(unit(pair, 1), 2)) as bigint) + pair % {FRIENDS} - 6;
    create or replace macro far(actor, other, people) as
        case when abs(actor - other) > 3 then other else (other + 12) % people end;
    create or replace macro friend(pair, people) as case
        when pair % {FRIENDS} < 3 then (pair // {FRIENDS} + pair % {FRIENDS} + 1) % people
        when pair % {FRIENDS} < 6 then (people + pair // {FRIENDS} + 2 - pair % {FRIENDS}) % people
        else far(pair // {FRIENDS}, famous(pair, people), people) end;
    create or replace macro name(number) as printf('a%09d', number);
    create or replace macro person(number) as printf('{PLATFORM}:a%09d', number);
"""
# Acts as ActivityStreams 2.0, one on each line.
OBJECT = "printf('o%d', dst * 7 + number % 7)"
LINES_SQL = f"""
    select case
        when kind in ('post', 'reply') then printf(
            '{{"type":"Create","actor":"%s","published":"%s","object":{{"type":"Note","id":"i%010d"%s}}}}',
            name(src), published, number,
            if(kind = 'post', '', printf(',"inReplyTo":{{"id":"%s","attributedTo":"%s"}}', {OBJECT}, name(dst))))
        else printf(
            '{{"type":"%s","actor":"%s","published":"%s","id":"i%010d","object":{{"id":"%s","attributedTo":"%s"}}}}',
            if(kind = 'like', 'Like', 'Announce'), name(src), published, number, {OBJECT}, name(dst))
        end as line
    from (select *, strftime(instant, '%Y-%m-%dT%H:%M:%SZ') as published from acts)
"""
KIND = "['like', 'like', 'like', 'reshare', 'reply'][1 + cast(hash({0}, 2) % 5 as int)]"


@dataclass(frozen=True)
class Night:
    """A night of `acts` acts, whose graph has this shape."""

    acts: int
    shape: str = EVEN

    @property
    def people(self) -> int:
        """The accounts, without the one that a skewed graph adds."""
        return int(self.acts / ACTS_OF_A_PERSON) // 12 * 12

    @property
    def pairs(self) -> int:
        """The pairs that can occur."""
        return self.people * FRIENDS

    @property
    def ends(self) -> str:
        """SQL for the numbers `src` and `dst` of the pair with the number `pair`."""
        src, dst = f"pair // {FRIENDS}", f"friend(pair, {self.people})"
        if self.shape == RECEIVER:
            dst = f"case when pair % {RECEIVED} = 0 then {self.people} else {dst} end"
        elif self.shape == ACTOR:
            apart = self.pairs // min(TARGETS, self.people)
            src, dst = (
                f"case when pair % {apart} = 0 then {self.people} else {src} end",
                f"case when pair % {apart} = 0 then pair // {apart} else {dst} end",
            )
        return f"{src} as src, {dst} as dst"

    def acts_sql(self, day: date, acts: int) -> str:
        """SQL for the acts of a day: number, src, dst, kind. One in twenty is a post."""
        drawn = f"select number, cast(hash(number, '{day}', 1) % {self.pairs} as bigint) as pair from range({acts}) r(number)"
        kind = KIND.format("number")
        return (
            f"select number, src, if(number % 20 = 7, src, dst) as dst, if(number % 20 = 7, 'post', {kind}) as kind"
            f" from (select number, {self.ends} from ({drawn}))"
        )

    def path(self) -> Path:
        """The folder with the warehouse `WINDOW` and the files of `write_acts`. Makes it if it does not exist."""
        return graphs.made_once(f"night-{self.acts}-{SHAPES.index(self.shape)}", self._make)

    def _make(self, folder: Path) -> None:
        folder.mkdir()
        with duckdb.connect() as db:
            db.execute("set preserve_insertion_order = false")
            db.execute(PAIRS)
            write_acts(db, self, folder)
            make_window(db, self, Warehouse(str(folder / WINDOW)))


def write_acts(db: duckdb.DuckDBPyConnection, night: Night, folder: Path) -> None:
    """Writes the acts of the night as `PARQUET`, and, if they are not many, as `LINES` too."""
    at = f"timestamp '{DAY}' + to_seconds(cast(hash(number, 3) % 86400 as int))"
    db.execute(
        f"create or replace temp view acts as select *, {at} as instant from ({night.acts_sql(DAY, night.acts)})"
    )
    names = {"kind": "kind", "actor_id": "name(src)", "target_id": "name(dst)", "occurred_at": "instant"}
    names |= {"activity_id": "printf('i%010d', number)", "object_id": f"if(kind <> 'post', {OBJECT}, null)"}
    columns = ", ".join(f"{value} as {name}" for name, value in names.items())
    db.execute(f"copy (select {columns} from acts) to '{folder / PARQUET}' (format parquet, compression zstd)")
    if night.acts <= MOST_LINES:
        plain = "format csv, header false, quote '', escape '', delimiter '\t', compression zstd"
        db.execute(f"copy ({LINES_SQL}) to '{folder / LINES}' ({plain})")


def make_window(db: duckdb.DuckDBPyConnection, night: Night, warehouse: Warehouse) -> None:
    """Writes what the nights before have left: accounts and their copy, counted days, and the roll-ups of whole months."""
    warehouse.create_tables()
    grounds.publish_everybody(warehouse)
    methodology = load(METHODOLOGY)
    days = days_between(methodology.first_day(DAY) - timedelta(days=1), DAY - timedelta(days=1))
    covered = [coverage_row(day) for day in days]
    digests = digests_of_days(covered)
    append(warehouse, COVERAGE, [rows_of(COVERAGE, covered)])
    append(warehouse, RUNS, [rows_of(RUNS, [run_row("engagement", day, digests) for day in days])])
    _write(db, warehouse, ACCOUNTS, accounts_sql(night), {"platform": PLATFORM, "day": OBSERVED, "source": SOURCE})
    known_accounts.make_copy(warehouse, counted.snapshot(warehouse), DAY, run_id=growth.RUN)
    bases = monthly_weights.bases(counted_window(warehouse, DAY - timedelta(days=1), methodology))
    for day in days:
        if month_of(day) not in bases:
            _write(db, warehouse, ENGAGEMENT, engagement_sql(night, day), {"day": day})
    for month, basis in bases.items():
        _write(
            db, warehouse, MONTHLY_WEIGHTS, month_sql(night, month),
            {"methodology": methodology.version, "month": month, "basis": basis},
        )  # fmt: skip


def _write(
    db: duckdb.DuckDBPyConnection, warehouse: Warehouse, table: Table, query: str, place: dict[str, date | str]
) -> None:
    """Writes the query's rows into the partition, whose columns the query lacks, in the order in which jobs write them."""
    fixed = ", ".join(f"'{value}' as {name}" for name, value in place.items())
    schema = arrow.schema(table)
    rows = f"select {', '.join(table.column_names)} from (select *, {fixed} from ({query}))"
    reader = db.sql(f"{rows} order by {', '.join(table.grain)}").to_arrow_reader()
    batches = (batch.cast(schema) for batch in reader)
    warehouse.replace(
        table, pa.RecordBatchReader.from_batches(schema, batches), place, run_id=growth.RUN, job=growth.RUN
    )


def accounts_sql(night: Night) -> str:
    """SQL for the rows of `accounts`: everybody; three in a hundred are bots."""
    none = ", ".join(f"null as {name}" for name in ("display_name", "created_at", "follower_count", "following_count"))
    return (
        f"select name(number) as account_id, printf('handle%d', number) as handle, {none},"
        f" hash(number, 4) % 100 < 3 as is_bot, '{growth.RUN}' as pull"
        f" from range({night.people + (night.shape != EVEN)}) r(number)"
    )


def engagement_sql(night: Night, day: date) -> str:
    """SQL for the rows of `engagement` of a usual day."""
    return (
        f"select person(src) as src, person(dst) as dst, '{PLATFORM}' as platform, kind, count(*) as act_count"
        f" from ({night.acts_sql(day, night.acts // USUAL)}) group by all"
    )


def month_sql(night: Night, month: date) -> str:
    """SQL for the rows of `monthly_weights` of a month of usual days: the pairs that occur in it, and the posts of one in three
    accounts."""
    share = 1 - (1 - 1 / night.pairs) ** (30 * night.acts / USUAL)
    return f"""
        select person(src) as src, person(dst) as dst, '{PLATFORM}' as platform,
            cast(pow(2, 35) as bigint) * (1 + cast(pair % 4 as bigint)) as weight, 1 as content_acts, 1 as said,
            0 as post_count
        from (
            select pair, {night.ends}
            from (select number as pair from range({night.pairs}) r(number) where unit(number, '{month}') < {share})
        )
        union all
        select person(number), person(number), '{PLATFORM}', 0, 0, 0, 1 + number % 3
        from range({night.people}) r(number) where hash(number, '{month}', 5) % 3 = 0
    """
