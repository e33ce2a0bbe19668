"""The truth bench: counterfactuals scored against scans whose true counterfactual is known."""
