"""Files and folders: written whole or not at all, locked, named in words, and their digests."""
