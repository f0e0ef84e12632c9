"""Compares two methodologies on the same day, before either is published."""
