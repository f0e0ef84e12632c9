"""Contracts: one per table, and the methodologies, which hold all constants of a score."""
