"""methodologies: the versions of the methodology, and the days for which each version is official."""

from schemas.table import Column, Table

METHODOLOGIES = Table(
    name="methodologies",
    version=1,
    doc="Versions of the methodology under which scores were published. Join it, so that nobody is counted twice:"
    " `scores.methodology = version and scores.day >= in_force_from and (in_force_to is null or scores.day <= in_force_to)`.",
    grain=("version",),
    partition_by=(),
    columns=(
        Column("version", "string", "Version of the methodology."),
        Column("fingerprint", "string", "SHA-256 of its parsed values; it cannot change once scores exist under it."),
        Column("in_force_from", "date", "First day for which it is official; null if it never was.", nullable=True),
        Column("in_force_to", "date", "Last day for which it is official; null while it is in force.", nullable=True),
    ),
)
