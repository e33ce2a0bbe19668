"""The Slicer side of CT Counterfactual: jobs on nodes, options, results, installation, exports.

Runs in Slicer's own process, so nothing in here computes and nothing in here imports torch: the
engine (CTCounterfactualLib) does its work in a process of its own; see `node_job`.
"""
