"""Linear probes: a user's own labels, a backbone's features, and a classifier with a card."""
