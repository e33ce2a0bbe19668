"""Public collections of CT as a user downloads them, turned into a cohort's manifest."""
