"""monthly_weights: what the acts of a whole month weigh, so that nightly runs need not read the month's days."""

from schemas.table import Column, Table

MONTHLY_WEIGHTS = Table(
    name="monthly_weights",
    version=2,
    doc="What the acts of a month weigh at its end, made from `engagement` for the methodologies with `equations: 2`. It only"
    " saves time: without it, every result is the same.",
    grain=("methodology", "month", "basis", "platform", "src", "dst"),
    partition_by=("methodology", "month", "basis"),
    columns=(
        Column("methodology", "string", "Version of the methodology the weights were computed with, e.g. `2026.12.1`."),
        Column("month", "date", "First UTC day of the month."),
        Column(
            "basis",
            "string",
            "Digest of the methodology and of the activity of the month's days; the rows are ignored if it changed.",
        ),
        Column("platform", "string", "Platform the acts took place on."),
        Column("src", "string", "Person who acted, as `platform:account_id`."),
        Column("dst", "string", "Person whose content it was about; equals `src` in the rows that count posts."),
        Column("weight", "long", "Weight of the acts at the end of the month, in multiples of 2^-36, >= 0."),
        Column("content_acts", "long", "Quotes, reshares, replies and likes of `src` on content of `dst`, >= 0."),
        Column("said", "long", "Days on which `src` addressed `dst`: bit 0 is the first day of the month."),
        Column("post_count", "long", "Posts of `src` if `dst` equals `src`, else 0."),
    ),
)
