"""Benchmarks: a command, never a timed test.

    python -m tests.benchmarks [--accounts N] [--folder DIR] [PART ...]

Prints each figure beside the machine's own limits from the same run, so that figures of different machines compare.
`engine`, `state`, `tree` and `upgrades` are commands of their own that look closer, each described in its file.
"""
