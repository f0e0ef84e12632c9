"""The equations of the score, as pure text of SQL and pure functions."""
