"""Counterfactuals: gradient, search over lambda, composite, heatmaps, and the verb `explain`."""
