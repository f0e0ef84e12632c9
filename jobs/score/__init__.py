"""The equations of the score, as SQL text and pure functions."""
