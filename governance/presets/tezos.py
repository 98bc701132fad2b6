"""Tezos' amendment: two votes on the same protocol, with a period to think between them and one before it runs.

Read in tezos: src/proto_015_PtLimaPt/lib_protocol/amendment.ml (approval_and_participation_ema,
start_new_voting_period), vote_storage.ml (get_current_quorum, init), lib_parameters/default_parameters.ml
(quorum_min 20_00, quorum_max 70_00; a period is 5 cycles of 16,384 blocks of 15 seconds, 14 days and 5 hours).

- Exploration: a vote of one period. Cooldown: one period in which nothing is voted on. Promotion: a second vote of one
  period, by power as of its own beginning. Adoption: one period until the protocol runs.
- Quorum of both votes: 20 % + participation x (70 % - 20 %), in hundredths of a percent rounded down. Turnout counts
  passes. Participation begins at 70 %; after each vote it becomes (8 x itself + 2 x the turnout) / 10.
- Supermajority: yay at or above (yay + nay) x 8 / 10, rounded down to a unit. No veto, no deposit.

Here: a proposer holds 1/20 of all power, the share of upvotes (min_proposal_quorum 5_00) that a proposal needs there to
be explored; competing proposals are not upvoted in a period of their own. One exploration and one promotion are open at
once, others wait. Every kind of proposal goes this way, not upgrades alone. Periods run from a proposal's own
beginning, not on the chain's. A veto vote counts like nay.
"""

from __future__ import annotations

from governance.presets.preset import DAY, EMERGENCY_ROW, HOUR, Preset, routes
from governance.tracks import NO_VETO, TrackRow

PERIOD = str(14 * DAY + 5 * HOUR + 20 * HOUR // 60)
"""5 x 16,384 x 15 seconds."""

PROMOTION = TrackRow(
    delay="1",
    period=PERIOD,
    timelock=PERIOD,
    deposit="0",
    quorum=">= moving 2000 7000",
    threshold=">=floor 8/10",
    veto=NO_VETO,
    min_voters="0",
    max_individual_power_percent="100",
    power_floor="1/20",
    limit="1",
    cooldown="0",
    late="0",
)
EXPLORATION = PROMOTION.but(then="promotion")

TEZOS = Preset(
    tracks={
        "exploration": EXPLORATION,
        "promotion": PROMOTION,
        "breaking": EXPLORATION,
        "emergency": EMERGENCY_ROW.but(quorum=">= 7/10", threshold=">= 85/100", max_individual_power_percent="100"),
    },
    routes=routes(upgrade="exploration", change="exploration", opinion="exploration"),
)
