"""Sources: one module per platform or archive. Pages in, rows out; no source knows a table."""
