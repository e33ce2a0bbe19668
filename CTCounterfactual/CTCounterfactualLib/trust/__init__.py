"""The verb `trust`: tests that an explanation must pass before it is believed, each in a file."""
