"""Networks as sources of features, and linear probes upon them."""
