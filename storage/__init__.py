"""Bytes: engine, records, tables, the Merkle root, checkpoints and the block log. Knows no accounts and no votes."""
