"""The trial of an upgrade: it is lived through on a copy of the state, beforehand, in a process of its own.

`turn` brings the plan forward in the copy, `stage` is the copied chain, `checks` are the steps in their order, `child`
runs them under limits and `process` waits for it; `report` is what comes back. `vectors` writes the tables before and
after down for others, and `agreement` compares two of those.
"""
