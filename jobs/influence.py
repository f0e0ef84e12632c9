"""engagement -> influence: how much attention each person holds at the end of a day, and its parts.

Reads what `jobs.score_inputs` reads; replaces only (methodology, day) of `influence` and, if people have several accounts, of
`influence_by_account`. Before that, makes the copies of past months that are missing, which change no score.
README's "How a score is made" has the equations. An engine (`jobs.engines`) sums the attention that arrives in each step;
everything else is SQL, which a backend runs (`jobs.backends`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from jobs import monthly_weights, score_inputs
from jobs.backends import Backend, choice
from jobs.engines import AUTO
from jobs.night_settings import nights
from jobs.score import linked, measures
from jobs.score.attention import number, real_sql
from jobs.score.ranks import ranked_sql
from jobs.score_inputs import Inputs
from jobs.sql import T
from jobs.warehouse import counted, digests, known_accounts, methodologies, runs, scored_rows
from jobs.warehouse.commits import Partition
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import counted_window, uncovered_days
from schemas.influence import INFLUENCE
from schemas.influence_by_account import INFLUENCE_BY_ACCOUNT
from schemas.methodology import Methodology

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JOB = runs.INFLUENCE


@dataclass(frozen=True, kw_only=True)
class Params:
    """The UTC day at whose end people are scored, and the methodology."""

    day: date
    methodology: Methodology


def score_sql(influence: str, methodology: Methodology, log1p: str) -> str:
    """SQL for the score, 0 to 100: min(100, 100 * log1p(influence / resolution) / log1p(full_scale / resolution))."""
    resolution = number(methodology.resolution)
    full = log1p.format(f"{number(methodology.full_scale)} / {resolution}")
    return f"least(1e2, 1e2 * {log1p.format(f'{influence} / {resolution}')} / {full})"


def people_sql(coverage: Mapping[str, float], params: Params, log1p: str) -> str:
    """SQL for the rows of `influence`: one per person of `{measured}`, the rows of `ranked_sql` with the columns
    `engager_count`, `amplification` and `inclusion`, which may be null.

    `{known}` is (id, handle). `coverage` is platform -> covered share of the window.
    """
    covered = " ".join(f"when '{platform}' then {number(share)}" for platform, share in sorted(coverage.items()))
    influence = real_sql("total")
    return f"""
        select date '{params.day}' as day, '{params.methodology.version}' as methodology, id as person_id, platform, handle,
            {linked.is_simulated_sql("id")} as simulated, {influence} as influence, {real_sql("one")} as direct,
            {real_sql("two")} as second, {real_sql("three")} as third,
            {score_sql(influence, params.methodology, log1p)} as score,
            rank, percentile, coalesce(engager_count, 0) as engager_count,
            {f"case platform {covered} else 0e0 end" if covered else "0e0"} as window_coverage, amplification, inclusion
        from (select *, split_part(id, ':', 1) as platform from {{measured}}) left join {{known}} using (id)
    """


def everybody(backend: Backend[T], found: Inputs, sums: T, spread: T, parts: T | None) -> T:
    """The rows of `influence`, from the inputs read, an engine's sums, the spread of attention and the result of `parts`."""
    window, owned = found.window, found.linked(backend)
    share = {platform: len(days) / window.methodology.lookback_days for platform, days in window.covered.items()}
    beside = backend.staged(measures.beside(backend, spread, found.posts(backend), sums, window.methodology, owned))
    if parts is not None and owned is not None:
        sums = backend.query(linked.of_people_sql(), sums=sums, parts=parts, linked=owned)
    ranked = backend.query(ranked_sql("{sums}", 2 * found.row_count if backend.is_distributed else 0), sums=sums)
    measured = backend.query("select * from {ranked} left join {beside} using (id)", ranked=ranked, beside=beside)
    return backend.query(
        people_sql(share, Params(day=window.day, methodology=window.methodology), backend.log1p),
        measured=backend.staged(backend.named(measured, "id")),
        known=backend.staged(found.known(backend, backend.named(sums, "id"))),
    )


def parts(backend: Backend[T], found: Inputs, sums: T, spread: T) -> T | None:
    """The parts of people who have several accounts, as rows of `linked.of_accounts_sql`; None if nobody has."""
    owned = found.linked(backend)
    if owned is None:
        return None
    text = linked.of_accounts_sql(found.window.methodology.rounds)
    return backend.query(text, spread=spread, sums=sums, linked=owned)


def run(
    session: Callable[[], "SparkSession"], warehouse: Warehouse, params: Params, batch: Batch, engine: str = AUTO
) -> dict[str, float]:
    """Scores everybody of the window with the named engine. Returns the counts `pairs` and `people`. Starts a Spark session
    only for a day that does not suit DuckDB. Raises as `counted_window` and `score_inputs.read` do, and `CloutError` if scores
    exist under other values of the methodology."""
    methodology = params.methodology
    with runs.recorded(warehouse, JOB, params.day, batch, methodology=methodology.version) as row:
        methodologies.refuse_changed(warehouse, methodology)
        known_accounts.make_copy(warehouse, counted.snapshot(warehouse), params.day, run_id=row.id)
        window = counted_window(warehouse, params.day, methodology)
        roll_ups = monthly_weights.make(session, warehouse, window, engine, run_id=row.id)
        found = score_inputs.read(warehouse, window, roll_ups)
        row.inputs = found.versions
        row.parameters["activity_digests"] = {str(day): digest for day, digest in window.digests.items()}
        row.parameters["accounts_digest"] = digests.of_texts(found.bots)
        row.parameters[runs.MAX_ACCOUNTS] = nights().max_accounts
        if found.people.digest:
            row.parameters[digests.LINKS] = found.people.digest
        known = counted.platforms(warehouse, window.snapshot, params.day)
        row.uncovered_days = uncovered_days(window.covered, known, window.first_day, params.day)
        with choice.backend(session, engine, found.row_count, found.accounts_of) as backend:
            _score(backend, found, engine, row)
        partition = {"methodology": methodology.version, "day": params.day}
        row.counts["people"] = warehouse.row_count(INFLUENCE, partition)
        scored_rows.digest(warehouse, row, partition)
    return row.counts


def _score(backend: Backend[T], found: Inputs, engine: str, row: Run) -> None:
    """Scores everybody and replaces the day's rows."""
    warehouse, methodology = found.warehouse, found.window.methodology
    place: Partition = {"methodology": methodology.version, "day": found.window.day}
    by = {"run_id": row.id, "job": JOB}
    spread = found.spread(backend)
    with backend.step("weigh pairs"):
        need = backend.need(spread)
    row.counts["pairs"] = need.pairs
    with backend.step("pass attention on"):
        row.engine, sums = backend.sums(spread, methodology.rounds, engine, need)
    of_owners = parts(backend, found, sums, spread)
    if of_owners is not None:
        of_owners = backend.kept(of_owners)
        owners = backend.named(of_owners, "id", "person")
        text = linked.rows_sql(found.window.day, methodology.version)
        by_account = backend.query(text, parts=owners, known=found.known(backend, owners))
        backend.write(warehouse, INFLUENCE_BY_ACCOUNT, by_account, place, **by)
    elif warehouse.row_count(INFLUENCE_BY_ACCOUNT, place):
        warehouse.delete(INFLUENCE_BY_ACCOUNT, place, **by)
    with backend.step("write everybody"):
        backend.write(warehouse, INFLUENCE, everybody(backend, found, sums, spread, of_owners), place, **by)
