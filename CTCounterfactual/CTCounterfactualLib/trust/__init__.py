"""The verb `trust`: tests that an explanation must pass before it is believed, each in a file.

The reasons for the limits name figures of `Testing/Benchmarks/TRUST.md`, which one command makes.
"""
