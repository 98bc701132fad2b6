"""A few lines of Python, run under the shim, and the disk that they leave."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.faults.crash.disk import Disk
from tests.faults.crash.shim import Event, events_of, preloaded

PROGRAM = """
import os, sys
from pathlib import Path
from tests.faults.crash.shim import Recorder
root, recorder = Path(sys.argv[1]), Recorder()
def write(name, content, sync):
    with (root / name).open("r+b" if (root / name).exists() else "wb") as file:
        file.write(content)
        file.flush()
        if sync:
            os.fsync(file.fileno())
def sync_folder():
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)
with recorder.recording(root):
    exec(sys.argv[2])
Path(sys.argv[3]).write_bytes(recorder.taken())
"""


def played(shim: Path, root: Path, program: str) -> Disk:
    """The disk below ``root`` after a program, which may use ``root``, ``write(name, content, sync)`` and
    ``sync_folder()``."""
    disk, events = recorded(shim, root, program)
    for event in events:
        disk.play(event)
    return disk


def recorded(shim: Path, root: Path, program: str) -> tuple[Disk, list[Event]]:
    """The disk before such a program, which may also use ``recorder``, and what the program did to it."""
    disk = Disk(root)
    record = root.parent / "record"
    subprocess.run([sys.executable, "-c", PROGRAM, str(root), program, str(record)], env=preloaded(shim), check=True)
    return disk, events_of(record.read_bytes())
