"""One worker of a campaign, started with the shim in front of libc: `python -m tests.faults.crash.worker JOB`.

It tells how far it is as lines of JSON, and ends quietly where the campaign interrupts it.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

from tests.faults.crash.examining import Enough, Examiner
from tests.faults.crash.failing import try_all
from tests.faults.crash.shim import Recorder
from tests.faults.crash.subjects import EngineSubject, NodeSubject, Subject


def tell(done: Any) -> None:
    """Say how far this worker is."""
    print(json.dumps(asdict(done)), flush=True)


def examine(job: dict[str, Any], folder: Path) -> None:
    """Nodes and, each third time, the engine, with other seeds again and again until there are enough states. The
    first subject is crashed everywhere, however many states that makes; half of the workers begin with the engine."""
    examiner = Examiner(Recorder(), folder, Path(job["keep"]), tell)
    try:
        for number in count():
            seed = job["seed"] + job["place"] + number * job["workers"]
            subject: Subject = EngineSubject(seed) if (number + job["place"]) % 3 == 1 else NodeSubject(seed)
            examiner.examine(subject, job["states"] if number else None)
    except (Enough, KeyboardInterrupt):
        tell(examiner.tally)


def fail(job: dict[str, Any], folder: Path) -> None:
    """One kind of failure at every change."""
    tell(try_all(Recorder(), job["seed"], job["failure"], folder, tell))


WORK = {"examine": examine, "fail": fail}


def main(raw: str) -> None:
    """``raw`` is the job as JSON: what to do, the folder to work in, and what that work needs to know."""
    job = json.loads(raw)
    logging.disable()
    with tempfile.TemporaryDirectory(dir=job["folder"]) as folder, suppress(KeyboardInterrupt):
        WORK[job["work"]](job, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1])
