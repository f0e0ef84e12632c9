"""Decisions of nightly runs: when data is settled, what to wait for, what is plausible, what is stale."""
