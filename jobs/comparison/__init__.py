"""One methodology against another on the same day, before either is published."""
