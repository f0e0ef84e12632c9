"""How: one module per job, each a pure middle between a read and a write."""

__version__ = "0.1.0"
