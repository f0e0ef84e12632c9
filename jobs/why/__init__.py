"""Explanations of a score, and of its change between two days."""
