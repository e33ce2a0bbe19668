"""Other computers: a job is run on a host that the user's own ssh reaches; nothing stays there."""
