"""The code of the pipeline. Each job has one module, which reads tables, computes with pure functions, and writes tables."""

__version__ = "0.1.0"
