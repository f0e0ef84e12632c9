"""What: one contract per table, and every number that shapes a score."""
