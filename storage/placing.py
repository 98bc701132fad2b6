"""A copy of a database in another folder: sorted files are shared with it, everything else is copied.

LevelDB never changes a sorted file once its MANIFEST lists it, so those are hard-linked; linking any other file crashes
the live database when LevelDB reuses its name. Logs, MANIFEST and CURRENT are copied. Links are made and logs read
between two looks at the MANIFEST, again until it is the same: then the copy is the database of one moment.

Nearly all of that can be done ahead, in slices while the database is written: links that no longer count are taken away
again, and logs and a MANIFEST only grow. What is left at the moment itself does not grow with the database.
"""

from itertools import islice
from pathlib import Path

from storage.durable import append_to_file, link_or_copy, settle, sync_directory, write_file
from storage.errors import CheckpointUnstable, StoreDamaged
from storage.levelfiles import Files, read_files, table_path, unchanged
from storage.manifest import Version

ATTEMPTS = 20
"""A MANIFEST changes once per sorted file written, seconds apart; twenty changes in a row mean something else."""


class Placing:
    """One copy on its way into an empty folder. After an error it is of no use."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._target = target
        self._files: Files | None = None
        self._linked: dict[int, Path] = {}
        self._shared: Version | None = None
        """The version whose sorted files are exactly those in place."""
        self._manifest = ""
        """The MANIFEST that CURRENT names in the copy."""
        self._written = 0
        """Bytes of it that are on disk."""
        self._logs: dict[str, int] = {}
        """Bytes of each log that are in the copy, though maybe not on disk."""
        self._names_unsynced = False
        """Whether names in the copy have changed that may not be on disk."""

    def advance(self, most: int) -> bool:
        """Put at most so many sorted files in place that count now, or take them away; returns whether there is more to
        do. Raises StoreDamaged, StoreMissing, and OSError of the disk."""
        files = self._read()
        try:
            more = self._share(files, most)
            grown = [] if more else self._grown(files)
        except FileNotFoundError as error:
            self._require_changed(files, error)
            return True
        if not more:
            self._copy_manifest(files)
            self._copy_logs(grown, synced=False)
            self._sync_names()
        return more

    def complete(self) -> Files:
        """Make the copy the database of one moment, durably; returns the files it has.

        Raises CheckpointUnstable, StoreDamaged, StoreMissing, and OSError of the disk.
        """
        for _ in range(ATTEMPTS):
            files = self._read()
            try:
                self._share(files, None)
                grown = self._grown(files)
            except FileNotFoundError as error:
                self._require_changed(files, error)
                continue
            if unchanged(self._source, files):  # nothing was synced until here, so there was hardly time for a change
                self._copy_logs(grown, synced=True)
                self._copy_manifest(files)
                self._sync_names()
                return files
        raise CheckpointUnstable(ATTEMPTS)

    def _read(self) -> Files:
        self._files = read_files(self._source, self._files)
        if self._manifest and self._files.manifest != self._manifest:
            self._forget_manifest()
        return self._files

    def _forget_manifest(self) -> None:
        """The database was opened anew: its MANIFEST and its logs are others now."""
        for name in (self._manifest, *self._logs):
            (self._target / name).unlink()
        self._manifest, self._written, self._logs, self._names_unsynced = "", 0, {}, True

    def _require_changed(self, files: Files, error: FileNotFoundError) -> None:
        """A compaction that removes a file changes the MANIFEST before; without that, the file was lost."""
        if unchanged(self._source, files):
            raise StoreDamaged(self._source, f"{Path(error.filename).name} is missing") from error

    def _share(self, files: Files, most: int | None) -> bool:
        """Make the links those of this version, at most so many at once; returns whether some are left."""
        if files.version is self._shared:
            return False
        wanted = dict(files.version.tables)
        missing = [number for number in wanted if number not in self._linked]
        needless = [number for number in self._linked if number not in wanted]
        for number in islice(missing, most):
            table = table_path(self._source, number)
            link = self._target / table.name
            link_or_copy(table, link)
            self._linked[number] = link
        for number in islice(needless, most):
            self._linked.pop(number).unlink()
        self._names_unsynced = self._names_unsynced or bool(missing or needless)
        if most is not None and max(len(missing), len(needless)) > most:
            return True
        self._shared = files.version
        return False

    def _grown(self, files: Files) -> list[tuple[str, bytes]]:
        """Each log that counts, and what it has grown by."""
        grown = []
        for log in files.logs:
            with log.open("rb") as reader:
                reader.seek(self._logs.get(log.name, 0))
                grown.append((log.name, reader.read()))
        return grown

    def _copy_logs(self, grown: list[tuple[str, bytes]], synced: bool) -> None:
        """Make the logs in the copy those that count, with what they have grown by."""
        for name in sorted(self._logs.keys() - {name for name, _ in grown}):
            (self._target / name).unlink()
            del self._logs[name]
            self._names_unsynced = True
        for name, added in grown:
            with (self._target / name).open("ab") as file:
                file.write(added)
                if synced:
                    settle(file)
            self._names_unsynced = self._names_unsynced or name not in self._logs
            self._logs[name] = self._logs.get(name, 0) + len(added)

    def _copy_manifest(self, files: Files) -> None:
        """Append what the MANIFEST has grown by."""
        if not self._manifest:
            write_file(self._target / "CURRENT", f"{files.manifest}\n".encode())
            self._manifest, self._names_unsynced = files.manifest, True
        added = files.manifest_bytes[self._written :]
        if added:
            append_to_file(self._target / files.manifest, added)
            self._written = len(files.manifest_bytes)

    def _sync_names(self) -> None:
        if self._names_unsynced:
            sync_directory(self._target)
            self._names_unsynced = False


def place_database(source: Path, target: Path) -> None:
    """Put the files of a database that may be written meanwhile into the empty folder `target`, as of one moment.

    Raises CheckpointUnstable, StoreDamaged, StoreMissing, and OSError of the disk.
    """
    Placing(source, target).complete()
