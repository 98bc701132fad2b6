"""The HTTP face: what the node answers on its public surface, and beside it the operator's few routes."""
