"""The code of the pipeline: one module per job, each with a pure middle between a read and a write."""

__version__ = "0.1.0"
