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

from tests.faults.crash.campaign import take_interruptions
from tests.faults.crash.examining import Enough, Examiner, Tally
from tests.faults.crash.failing import try_all
from tests.faults.crash.shim import Recorder
from tests.faults.crash.subjects import EngineSubject, NodeSubject, Subject


def tell(done: Any) -> None:
    """Say how far this worker is."""
    print(json.dumps(asdict(done)), flush=True)


def examine(job: dict[str, Any], folder: Path) -> None:
    """Nodes and, each third time, the engine, with other seeds again and again until there are enough states. The
    first subject is crashed everywhere, however many states that makes; half of the workers begin with the engine.

    After each subject a file beside the violations says how far this worker is, so that the same job can go on there.
    """
    stand = stand_file(Path(job["keep"]), job["seed"], job["place"], job["workers"])
    first, tally = noted(stand) if job["resume"] else (0, Tally())
    examiner = Examiner(Recorder(), folder, Path(job["keep"]), tell, tally)
    tell(tally)
    try:
        for number in count(first):
            seed = job["seed"] + job["place"] + number * job["workers"]
            subject: Subject = EngineSubject(seed) if (number + job["place"]) % 3 == 1 else NodeSubject(seed)
            examiner.examine(subject, job["states"] if number else None)
            note(stand, number + 1, examiner.tally)
    except (Enough, KeyboardInterrupt):
        tell(examiner.tally)


def stand_file(keep: Path, seed: int, place: int, workers: int) -> Path:
    """Where a worker notes how far it is."""
    return keep / f"stand-{seed}-{place}-of-{workers}.json"


def note(stand: Path, following: int, tally: Tally) -> None:
    """Note the subject that is next, and what was done before it, whole or not at all."""
    stand.parent.mkdir(parents=True, exist_ok=True)
    aside = stand.with_suffix(".new")
    aside.write_text(json.dumps({"next": following, "tally": asdict(tally)}), encoding="utf-8")
    aside.replace(stand)


def noted(stand: Path) -> tuple[int, Tally]:
    """What was noted; the start where nothing was."""
    if not stand.exists():
        return 0, Tally()
    document = json.loads(stand.read_text(encoding="utf-8"))
    return document["next"], Tally(**document["tally"])


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
    take_interruptions()
    main(sys.argv[1])
