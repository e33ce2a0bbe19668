"""The slice VQ-GAN: network, configuration, card, and taming-transformers checkpoints."""
