"""Models of others: a copy of their input, a check of their output, their faults in plain words."""
