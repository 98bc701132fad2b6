"""What bundle authors write against. `v1.pyi` is its whole text; nothing here is ever imported by a node.

`runtime.api.v1` never changes behaviour; a v2 would stand beside it.
"""
