"""Benchmarks: a command, never a timed test.

    python -m tests.benchmarks [--accounts N] [--folder DIR] [PART ...]

Prints each figure beside the machine's own limits from the same run, so that figures of different machines compare.
"""
