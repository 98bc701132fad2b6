"""The HTTP face: what the node answers on its public surface. Operators' actions are not on it."""
