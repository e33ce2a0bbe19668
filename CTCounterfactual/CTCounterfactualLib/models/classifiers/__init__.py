"""The classifiers that are named in the catalogue, and the networks of the published ones."""
