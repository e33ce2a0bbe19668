"""Training of the findings demo: sources, painted examples, batches, losses, loop, export."""
