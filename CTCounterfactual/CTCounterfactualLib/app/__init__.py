"""The command line: a thin skin on the engine, and the cancel that Ctrl-C means."""
