"""The people who are scored: what they agreed to, and so whom clout may publish and name."""
