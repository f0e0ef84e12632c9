"""Shared by all live sources: requests, recordings, populations, and the pull of a day."""
