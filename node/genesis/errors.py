"""What a genesis file or a request for one is refused for, under the node room's tree.

NodeError
`-- GenesisRefused
    |-- GenesisMissing        there is no file at the path
    |-- GenesisMalformed      a value in the file is not what its place asks for
    |-- GenesisForeign        the file is of no layout that this release reads
    |-- GenesisInconsistent   every value is well formed, but they contradict each other
    |-- GenesisImpossible     what is asked for cannot be made
    `-- SeedInvalid           a seed that cannot stand in a chain id
"""

from __future__ import annotations

from node.errors import NodeError


class GenesisRefused(NodeError):
    """Base of what makes a chain impossible before its first block."""

    code = "genesis_refused"


class GenesisMissing(GenesisRefused):
    """No file to read."""

    code = "genesis_missing"

    def __init__(self, path: str) -> None:
        super().__init__(f"there is no genesis file {path}: check the path, or leave it out for a generated genesis")
        self.path = path


class GenesisMalformed(GenesisRefused):
    """A value is missing or of the wrong form; ``place`` is its path inside the JSON document."""

    code = "genesis_malformed"

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"genesis, at {place or 'the top'}: {problem}; export the file again, or correct it there")
        self.place = place
        self.problem = problem


class GenesisForeign(GenesisRefused):
    """No adapter recognises the document."""

    code = "genesis_foreign"

    def __init__(self, found: tuple[str, ...], known: tuple[str, ...]) -> None:
        seen = ", ".join(found[:8]) or "nothing"
        super().__init__(
            f"a genesis of no known layout (at its top: {seen}); this release reads: {'; '.join(known)}. "
            "Export the chain in one of these, or convert it to Synod's own"
        )
        self.found = found
        self.known = known


class GenesisInconsistent(GenesisRefused):
    """Values that cannot all be true, a sum above all; ``place`` names where the contradiction shows."""

    code = "genesis_inconsistent"

    def __init__(self, place: str, contradiction: str) -> None:
        super().__init__(f"genesis, at {place}: {contradiction}; take an export that was not edited")
        self.place = place
        self.contradiction = contradiction


class GenesisImpossible(GenesisRefused):
    """Nothing can be made of what was asked for; ``place`` names the part that stands against it."""

    code = "genesis_impossible"

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"such a genesis cannot be made: {why}")
        self.place = place
        self.why = why


class SeedInvalid(GenesisRefused):
    """A seed is part of the chain id, so only a short plain word can be one."""

    code = "seed_invalid"

    def __init__(self, seed: str) -> None:
        super().__init__(f"{seed[:40]!r} cannot be a seed: take 1 to 24 of a-z, 0-9 and '-', like 1 or friday-2")
        self.seed = seed
