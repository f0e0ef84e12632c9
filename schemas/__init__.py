"""Contracts: one per table, and every number that shapes a score."""
