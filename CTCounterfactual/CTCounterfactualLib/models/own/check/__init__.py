"""Checks of a model on a generated chest: does it do what its card says, and if not, why."""
