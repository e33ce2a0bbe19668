"""Models: the slice VQ-GAN, the classifiers, their cards, and loading that never unpickles code."""
