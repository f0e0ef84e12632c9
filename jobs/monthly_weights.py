"""engagement -> monthly_weights: what the acts of whole months weigh, so that a night need not read the days of these months.

A night adds up the months that lie whole in its window, unless that was done before, and replaces only these months of its
methodology. A month's rows count as long as their basis matches: a digest of the methodology, of the month's decay factors and
of the activity of its days. Otherwise, readers read the month's days, which give the same score, to the last bit.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from jobs.backends import Backend, choice
from jobs.days import month_of, whole_months
from jobs.engines import AUTO
from jobs.errors import GoneError
from jobs.score import attention, measures
from jobs.score.fading import Fading
from jobs.sql import ENDS, T
from jobs.warehouse import digests, leavers, rollups
from jobs.warehouse.commits import Partition
from jobs.warehouse.rollups import RollUps
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import Window
from schemas.engagement import ENGAGEMENT
from schemas.monthly_weights import MONTHLY_WEIGHTS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

JOB = "monthly_weights"

# Rows of `engagement` that one file of a month adds up. A month of fewer rows is one file, so that readers open few.
ROWS_OF_A_FILE = 10_000_000


def bases(window: Window) -> dict[date, str]:
    """Month -> the basis that its roll-up must have, for the whole months of the window that have covered days. There is none
    with equations 1, which do not add by month. Includes the decay factors, because another machine may round a power
    differently."""
    methodology = window.methodology
    if methodology.equations == 1:
        return {}
    made_from = {month: [methodology.fingerprint] for month in whole_months(window.first_day, window.day)}
    for day, digest in sorted(window.digests.items()):
        made_from.get(month_of(day), []).append(f"{day} {digest}")
    for row in _faded(window).days.to_pylist():
        made_from.get(row["month"], []).append(f"{row['day']} {row['platform']} {row['factor'].hex()}")
    return {
        month: digests.of_texts(texts)[: rollups.BASIS_LENGTH] for month, texts in made_from.items() if len(texts) > 1
    }


def matching(warehouse: Warehouse, window: Window) -> RollUps:
    """The current roll-ups of the window's months, without those of which a file is missing or torn. Reads only the log."""
    version, wanted, of = warehouse.version(MONTHLY_WEIGHTS), bases(window), window.methodology.version
    made = rollups.bases_of_copies(warehouse, MONTHLY_WEIGHTS, {"methodology": of}, version) if wanted else {}
    right = {month: basis for month, basis in wanted.items() if basis in made.get(month, ())}
    whole = {
        month: basis for month, basis in right.items() if _is_whole(warehouse, RollUps(of, version, {month: basis}))
    }
    return RollUps(of, version, whole)


def _is_whole(warehouse: Warehouse, roll_up: RollUps) -> bool:
    try:
        warehouse.intact_files(MONTHLY_WEIGHTS, warehouse.delta(MONTHLY_WEIGHTS, roll_up.version), roll_up.partition)
    except GoneError as error:
        log.warning("%s; reading the days instead", error)
        return False
    return True


def rolled_up(backend: Backend[T], engagement: T, window: Window, basis: Mapping[date, str], files: int = 1) -> T:
    """Rows of `monthly_weights`, from the engagement of the days of whole months. `basis` is month -> its basis, `files` is the
    number of files that Spark writes for a month."""
    methodology, factors, carried = window.methodology, _faded(window), measures.carried(window.methodology)
    of_pairs = ("weight", "content_acts", "said")
    none = ", ".join(f"cast(0 as bigint) as {name}" for name in of_pairs)
    bases = " ".join(f"when date '{month}' then '{of}'" for month, of in basis.items())
    columns = f"month, platform, src, dst, {', '.join(of_pairs)}, post_count"
    # One exchange serves both groupings, because both keep an actor's rows together.
    by_actor = backend.query(
        f"select /*+ REPARTITION({backend.spark_partitions}, src) */ * from {{days}}",
        days=backend.numbered(engagement, *ENDS),
    )
    rows = backend.query(
        f"""
        select methodology, month, basis, {columns.removeprefix("month, ")}
        from (
            select /*+ REPARTITION(month, part) */ *
            from (
                select *, '{methodology.version}' as methodology, case month {bases} end as basis,
                    pmod(hash(src), {files}) as part
                from (
                    select {columns.removesuffix(", post_count")}, cast(0 as bigint) as post_count from {{pairs}}
                    union all select month, platform, src, src as dst, {none}, post_count from {{posts}}
                )
            )
        )
        """,
        pairs=attention.of_month(backend, by_actor, factors, methodology, carried),
        posts=measures.posted(backend, by_actor, factors, by=("month", "platform")),
    )
    return backend.named(rows, *ENDS)


def make(
    session: Callable[[], "SparkSession"], warehouse: Warehouse, window: Window, engine: str = AUTO, *, run_id: str
) -> RollUps:
    """Makes the roll-ups of the window's months that do not match, in one commit, and returns all that match. If the write
    fails, logs a warning, and returns those that matched before. Starts a Spark session only if the days do not suit DuckDB.
    Raises `CloutError` like `leavers.refuse`."""
    made = matching(warehouse, window)
    missing = {month: basis for month, basis in bases(window).items() if month not in made.bases}
    partition: Partition = {"day": tuple(day for day in window.digests if month_of(day) in missing)}
    version, methodology = window.snapshot.engagement, window.methodology
    row_count = warehouse.row_count(ENGAGEMENT, partition, version)
    if not row_count:
        return made
    leavers.refuse(warehouse, ENGAGEMENT, warehouse.dataset(ENGAGEMENT, partition, version=version))
    place: Partition = {"methodology": methodology.version, "month": tuple(missing)}

    def days(backend: Backend[T]) -> T:
        return backend.read(warehouse, ENGAGEMENT, partition, version)

    def in_days(backend: Backend[T]) -> list[tuple[T, Sequence[str]]]:
        return [(days(backend), ENDS)]

    try:
        with choice.backend(session, engine, row_count, in_days) as backend:
            rows = rolled_up(backend, days(backend), window, missing, 1 + row_count // (len(missing) * ROWS_OF_A_FILE))
            backend.write(warehouse, MONTHLY_WEIGHTS, rows, place, run_id=run_id, job=JOB)
    except Exception:  # whatever the fault: the score does not depend on this table
        months = ", ".join(map(str, missing))
        log.warning("monthly_weights %s: not written, so their days are read instead", months, exc_info=True)
    return matching(warehouse, window)


def _faded(window: Window) -> Fading:
    return measures.faded(window.days, window.covered, window.day, window.methodology)
