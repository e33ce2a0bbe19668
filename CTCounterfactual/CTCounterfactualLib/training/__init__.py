"""Training of the slice VQ-GAN: slices, augmentation, losses, loop and quality measures."""
