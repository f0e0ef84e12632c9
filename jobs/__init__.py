"""How: one module per job, each a pure middle between a read and a write."""
