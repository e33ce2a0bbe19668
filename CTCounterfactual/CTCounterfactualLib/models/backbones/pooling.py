"""Names of the ways in which maps become features; without torch, for the command line's start."""

MEAN, MAXIMUM, BOTH = "mean", "max", "mean-max"
# The mean says how much there is, the maximum that it is anywhere.
POOLINGS = (MEAN, MAXIMUM, BOTH)
