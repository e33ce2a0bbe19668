"""Training of the effusion demo: painted fluid, distractors, examples, loop, measures."""
