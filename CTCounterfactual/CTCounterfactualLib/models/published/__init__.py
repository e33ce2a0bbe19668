"""Networks of published classifiers, with the state-dict keys of their published weight files."""
