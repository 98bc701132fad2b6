"""How a block changes state, and how the code that does so is replaced. Knows no proposals."""
