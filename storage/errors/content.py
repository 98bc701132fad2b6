"""Refusals about what is stored: records, tables, blocks, proofs and snapshots."""

from dataclasses import dataclass

from storage.errors.base import StorageError


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
    """A table or one of its generations is not what the catalogue, or this block, allows."""

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
    """A Merkle tree cannot take what it was given."""

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
    """A snapshot cannot be believed."""

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
