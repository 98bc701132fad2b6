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
    |  |- BackupMissing  BackupDamaged
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
Fields are positional so that errors survive pickling. Everybody imports them from here.
"""

from storage.errors.base import (
    StorageError,
)
from storage.errors.content import (
    GenerationInvalid,
    HeightOutOfOrder,
    HeightUnknown,
    InvalidKey,
    InvalidRecord,
    InvalidSchema,
    NotCanonical,
    NotDurable,
    PatchStale,
    PreparedStale,
    ProofInvalid,
    RecordFault,
    SavepointUnknown,
    SnapshotDamaged,
    SnapshotFault,
    SnapshotMismatch,
    TableExists,
    TableFault,
    TableMismatch,
    TableUnknown,
    TreeFault,
)
from storage.errors.home import (
    CheckpointDamaged,
    CheckpointExists,
    CheckpointFault,
    CheckpointForeign,
    CheckpointLost,
    CheckpointMissing,
    CheckpointUnstable,
    HomeFault,
    HomeFormatTooNew,
    HomeFormatUnreadable,
    HomeMissing,
    HomeNotEmpty,
    SealBroken,
    SealFault,
    SealMissing,
    SigningRefused,
)
from storage.errors.machine import (
    BackupDamaged,
    BackupMissing,
    DiskError,
    DiskFull,
    EngineStopped,
    HeadDamaged,
    HeadMismatch,
    HeadMissing,
    LastSignedDamaged,
    LastSignedMissing,
    StoreDamaged,
    StoreExists,
    StoreFault,
    StoreLocked,
    StoreMissing,
)

__all__ = [
    "StorageError",
    "StoreFault", "StoreMissing", "StoreDamaged", "StoreExists", "StoreLocked", "DiskFull", "DiskError",
    "EngineStopped", "BackupMissing", "BackupDamaged",
    "HeadMissing", "HeadDamaged", "HeadMismatch", "LastSignedMissing", "LastSignedDamaged",
    "HomeFault", "HomeMissing", "HomeNotEmpty", "HomeFormatUnreadable", "HomeFormatTooNew", "SigningRefused",
    "CheckpointFault", "CheckpointMissing", "CheckpointExists", "CheckpointDamaged", "CheckpointUnstable",
    "CheckpointForeign", "CheckpointLost",
    "SealFault", "SealMissing", "SealBroken",
    "RecordFault", "InvalidRecord", "NotCanonical", "InvalidKey", "InvalidSchema",
    "TableFault", "TableUnknown", "TableExists", "TableMismatch", "GenerationInvalid",
    "TreeFault", "PatchStale", "PreparedStale", "HeightOutOfOrder", "NotDurable", "SavepointUnknown", "HeightUnknown",
    "ProofInvalid", "SnapshotFault", "SnapshotDamaged", "SnapshotMismatch",
]  # fmt: skip
