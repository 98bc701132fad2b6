"""Incidents: what is kept, sealed, when an upgrade failed, was rolled back, or this node stopped for a fault.

`record` is what such a folder says, `gathering` reads it together, `shelf` keeps the folders and what people did with
them, and `assessment` says what an incident means for the data and what to do now. None of it is the chain's: two nodes
agree in every root whatever either of them wrote down.
"""
