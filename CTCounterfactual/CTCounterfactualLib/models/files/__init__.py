"""Model files read without running what is in them: checkpoints as data, weights, cards."""
