"""runs: the record of every run of a job."""

from schemas.table import Column, Table

RUNS = Table(
    name="runs",
    version=1,
    doc="One row per job and day that was started. The only table that knows a clock.",
    grain=("run_id",),
    partition_by=("day",),
    columns=(
        Column(
            "run_id", "string", "Unique id of this run of one job for one day; also in the log of the commits it made."
        ),
        Column("batch_id", "string", "Id shared by the runs of one command; a continued command keeps it."),
        Column("batch_key", "string", "The command's range, sources and methodology."),
        Column("day", "date", "UTC day the job worked on."),
        Column(
            "job",
            "string",
            "`pull_activity`, `engagement`, `influence`, `checks`, `publish`, `unpublish`, `restore`, `score_changes`,"
            " `validate`, `maintain`, `repair_tables`, `legal_basis`, `consent_record`, `consent_apply`, `consent` or"
            " `forget`.",
        ),
        Column("status", "string", "`started`, `done` or `failed`; `started` for long means interrupted."),
        Column("error", "string", "Why it failed; null if it did not.", nullable=True),
        Column("parameters", "string", "JSON: the job's parameters."),
        Column("inputs", "string", "JSON: table -> version that was read.", nullable=True),
        Column(
            "uncovered_days", "string", "JSON: platform -> days of the window that have no coverage.", nullable=True
        ),
        Column("engine", "string", "Engine that added the messages; null for other jobs.", nullable=True),
        Column(
            "counts",
            "string",
            "JSON: rows and people, by name. In an object store, a run that ended, done or failed, adds the requests that its"
            " process made since its previous run ended, repeated ones too: those of Arrow's client"
            " (`store_requests_arrow`), of deltalake (`store_requests_deltalake`) and of Spark's in the driver and its"
            " executors (`store_requests_spark`). If reports of Arrow's requests were lost, `store_reports_lost` says how"
            " many: two belong to a request.",
            nullable=True,
        ),
        Column("checks", "string", "JSON: check -> its result.", nullable=True),
        Column("code_version", "string", "Version of clout."),
        Column("started_at", "timestamp", "Instant it started."),
        Column("finished_at", "timestamp", "Instant it ended; null while it runs.", nullable=True),
    ),
)
