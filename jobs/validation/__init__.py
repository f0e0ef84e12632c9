"""Compares what scores and baselines of a day predict with what others did to people on the days after."""
