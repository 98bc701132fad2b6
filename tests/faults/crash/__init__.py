"""Faults below the engine: power lost at every change of the disk, failing disks, kills, damaged files.

    python -m tests.faults.crash [--states N] [--seed S]
    python -m tests.faults.crash disks | kills | damage | checkpoints | open FOLDER

A shim in front of libc (`shim.c`) records what a chain does to its folder, LevelDB's own files included, on its way
through two upgrades and two rollbacks (`story.py`). A simulated disk (`disk.py`) plays the record, and at each change
says what a power loss may leave, under several models. Each different state is laid out and opened (`examining.py`):
it must open, hold what was acknowledged, have the twin's roots and rows, and go on as the twin did.
"""
