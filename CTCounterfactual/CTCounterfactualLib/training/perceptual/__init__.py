"""Perceptual losses: how different crops look to a network that has learnt to see, one a file."""
