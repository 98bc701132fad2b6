"""Declared invariants, kept incrementally: their cost follows the change, never the size of the state.

`counters` turns declarations into counters per table, `settle` moves them by a block's net changes and checks every
group that moved, `recount` counts everything again from the rows, for the flip and for those who want proof.
"""
