"""Sources: one module per platform or archive. Each turns its input into pages of records; no source knows a table."""
