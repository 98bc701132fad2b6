"""Genesis documents: one form for generated chains and for imports from other networks."""
