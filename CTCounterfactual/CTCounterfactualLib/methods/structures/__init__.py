"""Which anatomical structures carry a score: alone, together, and each against the others."""
