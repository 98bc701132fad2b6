"""The state of the next runtime, grown beside the chain while its plan waits, so that activation is one flip.

What stands at A must be a pure function of the source tables at A - 1, whatever the slices, restarts and writes in
between. Everything here is local to a node: neither rows nor progress are in a root or a snapshot, and a node that
lacks them makes them. `growth` has one plan's work as a whole; `records` migrates a table, `claims` says where its rows
stand when they get other keys, `restored` fills one from a backup, `emptied` names those that begin without rows,
`census` counts one that goes on, `sums` makes the aggregates, `audit` finds the groups that break a rule.
"""
