"""The default preset: this chain's own rules.

Every row names the chain parameters, so settings and votes on parameters reach it. A proposal that is vetoed loses its
whole deposit; a draft that nobody completes loses what its proposer put in, so that cheap drafts are not free.
"""

from __future__ import annotations

from governance.presets.preset import BREAKING_ROW, EMERGENCY_ROW, Preset, routes
from governance.tracks import TrackRow

ORDINARY = TrackRow(burns_initial="unfunded")

DEFAULT = Preset(
    tracks={
        "ordinary": ORDINARY,
        "upgrade": ORDINARY,
        "breaking": BREAKING_ROW.but(burns_initial="unfunded"),
        "opinion": ORDINARY.but(timelock="0"),
        "emergency": EMERGENCY_ROW,
    },
    routes=routes(upgrade="upgrade", change="ordinary", opinion="opinion"),
)
