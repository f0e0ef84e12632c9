"""engagement: who acted on whose content, per day."""

from schemas.table import Column, Table

ENGAGEMENT = Table(
    name="engagement",
    version=1,
    doc="Acts of `src` on content of `dst` on one day, each human act counted once, as its most specific kind.",
    grain=("day", "src", "dst", "platform", "kind"),
    partition_by=("day",),
    columns=(
        Column("day", "date", "UTC day of the acts."),
        Column("src", "string", "Person who acted, as `platform:account_id`."),
        Column(
            "dst",
            "string",
            "Person whose content it was about; equals `src` for kind `post`, which the graph leaves out.",
        ),
        Column("platform", "string", "Platform the acts took place on."),
        Column("kind", "string", "`quote`, `reshare`, `reply`, `mention`, `like`, `follow`, or `post`."),
        Column("act_count", "long", "Distinct acts, > 0."),
    ),
)
