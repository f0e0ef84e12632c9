"""restatements: every change of the scores of a day after their first publication."""

from schemas.table import Column, Table

RESTATEMENTS = Table(
    name="restatements",
    version=1,
    doc="One row per change of a day's scores after they were first published: how many people moved, by how much, why,"
    " when. A rerun that publishes the same rows leaves none.",
    grain=("day", "methodology", "run_id"),
    partition_by=("day",),
    columns=(
        Column("day", "date", "UTC day of the scores that changed."),
        Column("methodology", "string", "Version of the methodology of these scores."),
        Column(
            "run_id",
            "string",
            "Run of `publish`, `unpublish`, `restore` or `consent` that changed them; its row is in `runs`.",
        ),
        Column("restated_at", "timestamp", "Instant from which readers saw the change."),
        Column("people_before", "long", "People published until then; 0 after a withdrawal."),
        Column("people_after", "long", "People published since; 0 for a withdrawal."),
        Column("people_arrived", "long", "People published since, and not until then."),
        Column("people_gone", "long", "People published until then, and not since."),
        Column("people_changed", "long", "People of both with another value in any column, `rank` and `handle` too."),
        Column("people_moved", "long", "Of them, those with another `score`. Doubles are compared exactly."),
        Column("largest_rise", "double", "Largest rise of a score of those who moved, in points; 0 if none rose."),
        Column(
            "largest_fall", "double", "Largest fall of a score of those who moved, in points, >= 0; 0 if none fell."
        ),
        Column(
            "mean_absolute_move", "double", "Mean size of the moves of those who moved, in points; 0 if none moved."
        ),
        Column(
            "why",
            "string",
            "JSON. `change`: `scored again`, `withdrawn`, `brought back` or `consent ended`. For `scored again` also the"
            " inputs that changed: `activity_days` (pulled again), `left_days` (of them, those from which acts of people who"
            " left were erased), `coverage_gained` and `coverage_lost` (platform -> days), `accounts` (which of them declare"
            " that they are bots), `links` (who has several accounts), `code_version` (before, after). For `brought back` also"
            " `run_id`, the publishing run whose rows these are.",
        ),
    ),
)
