"""Which files of a bundle no commit holds, so that its authors find again what was proposed; asked of git.

That is a warning and no refusal: the chain keeps the bytes that it runs, and a bundle need not be in git at all. Git
does what the folder's own `.git/config` says, so of a folder that nothing is to be executed of it is not asked.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from runtime.bundle.archive import Bundle

_LISTS = (
    ("diff", "--no-ext-diff", "--name-only", "--relative", "-z", "HEAD", "--", "."),
    ("ls-files", "--others", "-z", "--", "."),
)
"""What differs from the last commit, staged or not; what git does not know, or ignores."""
_GIT = ("git", "-c", "core.fsmonitor=false")
_SECONDS = 10


def uncommitted(bundle: Bundle, source: Path) -> tuple[str, ...]:
    """The bundle's files that stand otherwise in the folder's last commit, or in none; nothing for an archive, and
    where git, or a work tree, is not there."""
    if not source.is_dir() or _asked(source, ("rev-parse", "--is-inside-work-tree")) is None:
        return ()
    packed = {name for name, _ in bundle.files}
    return tuple(sorted(packed & set(_changed(source))))


def warning(files: tuple[str, ...]) -> str:
    """What to tell people of such files; nothing where there is none."""
    return f"in no commit as they are here: {', '.join(files)}" if files else ""


def _changed(source: Path) -> Iterator[str]:
    for words in _LISTS:
        said = _asked(source, words)
        if said is None:  # there is no commit at all
            said = _asked(source, ("ls-files", "-z", "--", ".")) or ""
        yield from filter(None, said.split("\0"))


def _asked(source: Path, words: tuple[str, ...]) -> str | None:
    """What git says in a folder; None when it does not."""
    try:
        ran = subprocess.run([*_GIT, *words], cwd=source, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout.decode("utf-8", "replace") if ran.returncode == 0 else None
