"""Jobs: one explanation as a file, run here or by a worker process that can be cancelled."""
