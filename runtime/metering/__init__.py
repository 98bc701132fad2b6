"""Bundle code, counted: every step, byte and value of it has a price and a bound that all nodes compute alike."""
