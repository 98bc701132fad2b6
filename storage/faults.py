"""Which typed error a failure of the operating system or of LevelDB is.

LevelDB reports failures as text only, so this is the one place where text is read (Python's own errors use the same
words). Whatever is not recognised counts as a failing disk: stopping without need is safe, going on is not.
"""

from pathlib import Path

from storage.errors import DiskError, DiskFull, StoreDamaged, StoreFault, StoreLocked, StoreMissing

SIGNS: tuple[tuple[str, type[StoreFault]], ...] = (
    ("no space left", DiskFull),
    ("quota exceeded", DiskFull),
    ("file too large", DiskFull),
    ("does not exist (create_if_missing", StoreMissing),
    ("already held by process", StoreLocked),
    ("resource temporarily unavailable", StoreLocked),
    ("corruption", StoreDamaged),
    ("no such file", StoreDamaged),
    ("not an sstable", StoreDamaged),
    ("too short", StoreDamaged),
    ("comparator", StoreDamaged),
)
"""Text that a message contains, lower case, and what it means; the first that fits counts."""


def fault_of(path: Path, error: BaseException) -> StoreFault:
    """The typed error for a failure met while working on `path`."""
    detail = text_of(error)
    lowered = detail.replace(str(path), "").lower()  # a folder may be called "corruption"
    for sign, kind in SIGNS:
        if sign in lowered:
            return StoreLocked(path, 0) if kind is StoreLocked else kind(path, detail)
    return DiskError(path, detail)


def text_of(error: BaseException) -> str:
    """The message of an error; plyvel gives bytes."""
    if len(error.args) == 1 and isinstance(error.args[0], bytes):
        return error.args[0].decode("utf-8", "replace")
    return str(error) or type(error).__name__
