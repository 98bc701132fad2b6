"""The root of this room's errors; the whole tree is drawn in ``storage/errors/__init__.py``."""

from typing import ClassVar


class StorageError(Exception):
    """Anything this room refuses or finds broken."""

    code: ClassVar[str] = "storage_error"
    says: ClassVar[str] = "storage failed"

    def __str__(self) -> str:
        return self.says.format_map(vars(self))
