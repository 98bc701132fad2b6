"""What can go wrong with bytes, as one tree.

    StorageError
    |- StoreFault            this machine's files or disk: stop the node, tell the operator; never consensus
    |  |- StoreMissing       no database where one must be (a missing CURRENT or MANIFEST counts)
    |  |- StoreDamaged       LevelDB says corruption, or a row it returned does not decode
    |  |- StoreExists        a database is already there
    |  |- StoreLocked        another process has the home open
    |  |- DiskFull  DiskError
    |  |- EngineStopped      a call after the first I/O error
    |  |- HeadMissing  HeadDamaged  HeadMismatch
    |  `- LastSignedMissing  LastSignedDamaged
    |- HomeFault             the folder is not what was asked for
    |  `- HomeMissing  HomeNotEmpty  HomeFormatUnreadable  HomeFormatTooNew
    |- SigningRefused        a signature at or below the last one
    |- CheckpointFault
    |  `- CheckpointMissing  CheckpointExists  CheckpointDamaged  CheckpointUnstable  CheckpointForeign  CheckpointLost
    |- SealFault             a sealed folder
    |  `- SealMissing  SealBroken
    |- RecordFault           bytes and values of a record or key
    |  `- InvalidRecord  NotCanonical  InvalidKey  InvalidSchema
    |- TableFault            names and generations of tables
    |  `- TableUnknown  TableExists  TableMismatch  GenerationInvalid
    |- TreeFault             Merkle trees
    |  `- PatchStale
    |- PreparedStale         a prepared block whose base is no longer the head
    |- HeightOutOfOrder      a commit that is not for the next height
    |- NotDurable            something asked for needs blocks on disk that still wait for a sync
    |- SavepointUnknown      a savepoint that was released or rolled back
    |- HeightUnknown         a block that is not stored (pruned, or not made yet)
    |- ProofInvalid
    `- SnapshotFault
       `- SnapshotDamaged  SnapshotMismatch

Each class has a stable `code` and a one-line message made of its fields: what happened, then what to do.
Fields are positional so that errors survive pickling.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


class StorageError(Exception):
    """Anything this room refuses or finds broken."""

    code: ClassVar[str] = "storage_error"
    says: ClassVar[str] = "storage failed"

    def __str__(self) -> str:
        return self.says.format_map(vars(self))


class StoreFault(StorageError):
    """A failure of this machine. The node stops with the reason; it never decides anything alone."""

    code = "store_fault"


@dataclass(eq=False)
class StoreMissing(StoreFault):
    code = "store_missing"
    says = "no complete database at {path} ({detail}); restore a checkpoint or join again from a snapshot"
    path: Path
    detail: str


@dataclass(eq=False)
class StoreDamaged(StoreFault):
    code = "store_damaged"
    says = "database at {path} is damaged ({detail}); restore a checkpoint or join again from a snapshot"
    path: Path
    detail: str


@dataclass(eq=False)
class StoreExists(StoreFault):
    code = "store_exists"
    says = "a database is already at {path}; open it, or choose another folder"
    path: Path


@dataclass(eq=False)
class StoreLocked(StoreFault):
    """`pid` is the holder's process id, 0 if it is not known."""

    code = "store_locked"
    path: Path
    pid: int

    def __str__(self) -> str:
        holder = f"process {self.pid}" if self.pid else "another process"
        return f"{self.path} is in use by {holder}; stop that process first"


@dataclass(eq=False)
class DiskFull(StoreFault):
    code = "disk_full"
    says = "no space left for {path} ({detail}); free space and start again, nothing committed is lost"
    path: Path
    detail: str


@dataclass(eq=False)
class DiskError(StoreFault):
    code = "disk_error"
    says = "the disk under {path} failed ({detail}); check the disk, then start again"
    path: Path
    detail: str


@dataclass(eq=False)
class EngineStopped(StoreFault):
    """The handle met an I/O error before, or was closed; only opening anew tells what is on disk."""

    code = "engine_stopped"
    says = "the database at {path} stopped ({reason}); close it and start again"
    path: Path
    reason: str


@dataclass(eq=False)
class HeadMissing(StoreFault):
    code = "head_missing"
    says = "head file {path} is missing; restore a checkpoint or join again from a snapshot"
    path: Path


@dataclass(eq=False)
class HeadDamaged(StoreFault):
    code = "head_damaged"
    says = "head file {path} is damaged ({detail}); restore a checkpoint or join again from a snapshot"
    path: Path
    detail: str


@dataclass(eq=False)
class HeadMismatch(StoreFault):
    """Database and head file disagree: committed blocks were lost, or one of the two was replaced."""

    code = "head_mismatch"
    says = "head file says {expected}, database says {found}; restore a checkpoint or join again from a snapshot"
    expected: str
    found: str


@dataclass(eq=False)
class LastSignedMissing(StoreFault):
    code = "last_signed_missing"
    says = "{path} is missing, so a second signature for one height cannot be ruled out; do not sign with these keys"
    path: Path


@dataclass(eq=False)
class LastSignedDamaged(StoreFault):
    code = "last_signed_damaged"
    says = "{path} is damaged ({detail}), so a second signature cannot be ruled out; do not sign with these keys"
    path: Path
    detail: str


class HomeFault(StorageError):
    """The home folder is not what was asked for."""

    code = "home_fault"


@dataclass(eq=False)
class HomeMissing(HomeFault):
    code = "home_missing"
    says = "{path} is not a home ({detail}); name yours with --home, or make one with `synod init`"
    path: Path
    detail: str


@dataclass(eq=False)
class HomeNotEmpty(HomeFault):
    code = "home_not_empty"
    says = "{path} exists and is not empty; choose another folder"
    path: Path


@dataclass(eq=False)
class HomeFormatUnreadable(HomeFault):
    code = "home_format_unreadable"
    says = "{path} does not say which format the home has ({detail}); restore that file from a copy"
    path: Path
    detail: str


@dataclass(eq=False)
class HomeFormatTooNew(HomeFault):
    """`written_by` is the release that wrote the home, `readable` the newest format this release reads."""

    code = "home_format_too_new"
    says = "{path} has format {found}, this release reads up to {readable}; use release {written_by} or newer"
    path: Path
    found: int
    readable: int
    written_by: str


@dataclass(eq=False)
class SigningRefused(StorageError):
    """Signing here could contradict an earlier signature. `last` and `asked` are "height/round" texts."""

    code = "signing_refused"
    says = (
        "refused to sign {asked}: this home signed {last} already; go on above it, with the blocks of other machines, "
        "or as a new chain (`synod restore --as-new-chain`)"
    )
    asked: str
    last: str


class CheckpointFault(StorageError):
    code = "checkpoint_fault"


@dataclass(eq=False)
class CheckpointMissing(CheckpointFault):
    code = "checkpoint_missing"
    says = "no checkpoint at {path}; list them with `synod checkpoint list`"
    path: Path


@dataclass(eq=False)
class CheckpointExists(CheckpointFault):
    code = "checkpoint_exists"
    says = "a checkpoint is already at {path}; choose another name or remove it"
    path: Path


@dataclass(eq=False)
class CheckpointDamaged(CheckpointFault):
    code = "checkpoint_damaged"
    says = "checkpoint {path} is damaged ({detail}); use another one"
    path: Path
    detail: str


@dataclass(eq=False)
class CheckpointUnstable(CheckpointFault):
    """The database changed its files faster than they could be linked, `attempts` times in a row."""

    code = "checkpoint_unstable"
    says = "the database changed under {attempts} attempts to checkpoint it; try again when it writes less"
    attempts: int


@dataclass(eq=False)
class CheckpointForeign(CheckpointFault):
    code = "checkpoint_foreign"
    says = "checkpoint {path} belongs to chain {found}, this home to {expected}; use one of the same chain"
    path: Path
    found: str
    expected: str


@dataclass(eq=False)
class CheckpointLost(CheckpointFault):
    """Something depends on the checkpoint of a height, and there is none in the home, or no whole one."""

    code = "checkpoint_lost"
    says = (
        "{home} has no whole checkpoint of height {height}, though {why}: this machine alone cannot be put back there; "
        "copy it back into checkpoints/, or take one of the present height (`synod checkpoint create`)"
    )
    home: Path
    height: int
    why: str


class SealFault(StorageError):
    code = "seal_fault"


@dataclass(eq=False)
class SealMissing(SealFault):
    code = "seal_missing"
    says = "{path} is no sealed folder ({detail}); list those there are"
    path: Path
    detail: str


@dataclass(eq=False)
class SealBroken(SealFault):
    code = "seal_broken"
    says = "{path} is not what was sealed ({detail}); believe nothing in it that another record does not say as well"
    path: Path
    detail: str


class RecordFault(StorageError):
    """A value or its bytes break the rules of records and keys."""

    code = "record_fault"


@dataclass(eq=False)
class InvalidRecord(RecordFault):
    code = "invalid_record"
    says = "{record}.{field}: {reason}"
    record: str
    field: str
    reason: str


@dataclass(eq=False)
class NotCanonical(RecordFault):
    code = "not_canonical"
    says = "bytes are not the canonical encoding of {record} ({reason}); encode with this release's codec"
    record: str
    reason: str


@dataclass(eq=False)
class InvalidKey(RecordFault):
    code = "invalid_key"
    says = "key does not fit {kinds}: {reason}"
    kinds: str
    reason: str


@dataclass(eq=False)
class InvalidSchema(RecordFault):
    code = "invalid_schema"
    says = "record {record} cannot be declared: {reason}"
    record: str
    reason: str


class TableFault(StorageError):
    code = "table_fault"


@dataclass(eq=False)
class TableUnknown(TableFault):
    code = "table_unknown"
    says = "no table {name} in the catalogue; register it before use"
    name: str


@dataclass(eq=False)
class TableExists(TableFault):
    code = "table_exists"
    says = "table {name} exists already; choose another name"
    name: str


@dataclass(eq=False)
class TableMismatch(TableFault):
    code = "table_mismatch"
    says = "table {name} is stored otherwise than declared ({detail}); use the code that wrote it, or migrate"
    name: str
    detail: str


@dataclass(eq=False)
class GenerationInvalid(TableFault):
    code = "generation_invalid"
    says = "generation {number} of {name}: {reason}"
    name: str
    number: int
    reason: str


class TreeFault(StorageError):
    code = "tree_fault"


@dataclass(eq=False)
class PatchStale(TreeFault):
    code = "patch_stale"
    says = "tree patch was prepared on root {base}, the tree has {root}; prepare it again"
    base: str
    root: str


@dataclass(eq=False)
class PreparedStale(StorageError):
    code = "prepared_stale"
    says = "block was prepared on commit {base}, the head is commit {head}; prepare it again"
    base: int
    head: int


@dataclass(eq=False)
class HeightOutOfOrder(StorageError):
    code = "height_out_of_order"
    says = "commit for height {height} after height {head}; commit heights in order"
    head: int
    height: int


@dataclass(eq=False)
class NotDurable(StorageError):
    code = "not_durable"
    says = "height {height} is not on disk yet (durable: {durable}); flush first"
    durable: int
    height: int


@dataclass(eq=False)
class SavepointUnknown(StorageError):
    code = "savepoint_unknown"
    says = "savepoint {savepoint} is not open; use savepoints in the order they were taken"
    savepoint: int


@dataclass(eq=False)
class HeightUnknown(StorageError):
    code = "height_unknown"
    says = "no block is stored for height {height} (stored: {first} to {last}); ask a node that keeps more"
    height: int
    first: int
    last: int


@dataclass(eq=False)
class ProofInvalid(StorageError):
    code = "proof_invalid"
    says = "proof does not hold: {reason}"
    reason: str


class SnapshotFault(StorageError):
    code = "snapshot_fault"


@dataclass(eq=False)
class SnapshotDamaged(SnapshotFault):
    code = "snapshot_damaged"
    says = "snapshot is damaged ({detail}); fetch it again"
    detail: str


@dataclass(eq=False)
class SnapshotMismatch(SnapshotFault):
    code = "snapshot_mismatch"
    says = "snapshot gives root {found}, {expected} was announced; fetch another one"
    expected: str
    found: str
