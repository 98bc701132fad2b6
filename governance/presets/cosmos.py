"""x/gov of the Cosmos SDK 0.50, with its default parameters.

Read in cosmos-sdk: x/gov/types/v1/params.go (DefaultParams), x/gov/keeper/tally.go (Tally), x/gov/keeper/deposit.go
(ChargeDeposit), x/gov/abci.go (EndBlocker).

- Deposit 10,000,000 units (50,000,000 expedited) gathered in 48 hours, none of it at submission; a draft that lapses is
  refunded (burn_proposal_deposit_prevote false).
- Voting 48 hours (24 expedited). Quorum: turnout at or above 0.334 of bonded power, abstentions counted. All
  abstaining rejects. Veto: above 0.334 of all votes. Threshold: yes above 1/2 (0.667 expedited) of yes + no + veto.
- An expedited proposal that fails goes on as a regular one, counted from its beginning.
- A veto burns the deposit (burn_vote_veto), a missed quorum does not (burn_vote_quorum false); a withdrawal burns half
  (proposal_cancel_ratio).
- Approved messages run in the closing block: no timelock.

Here: shares are exact fractions where x/gov divides decimals of 18 places; an expedited vote keeps its votes when it
turns regular, while x/gov's Tally deletes them, so that they have to be cast again; messages run one block after the
close; a proposal is not withdrawn once its vote has closed, as there.

Beside an imported chain, what its export states of its own x/gov takes the place of these values (`of_rules`).
"""

from __future__ import annotations

from governance.presets.preset import DAY, EMERGENCY_ROW, Preset, routes
from governance.tracks import TrackRow

REGULAR = TrackRow(
    delay="1",
    period=str(2 * DAY),
    timelock="0",
    deposit="10000000",
    initial_share="0",
    deposit_period=str(2 * DAY),
    quorum=">= 334/1000",
    threshold="> 1/2",
    veto="> 334/1000",
    min_voters="0",
    max_individual_power_percent="100",
    cooldown="0",
    late="0",
    cancel_burn="1/2",
)
EXPEDITED = REGULAR.but(period=str(DAY), deposit="50000000", threshold="> 667/1000", turns_into="regular")

ROUTES = routes(upgrade="regular", change="regular", opinion="regular")


def of_rules(regular: TrackRow, expedited: TrackRow | None) -> Preset:
    """The preset with the rules that an export of a chain states; many chains have no expedited proposals."""
    tracks = {"regular": regular} if expedited is None else {"regular": regular, "expedited": expedited}
    ways = tuple(tracks)
    return Preset(
        tracks={**tracks, "breaking": regular.but(threshold="> 667/1000"), "emergency": EMERGENCY_ROW},
        routes={kind: (*ways, *names[1:]) if names[0] == "regular" else names for kind, names in ROUTES.items()},
    )


COSMOS = of_rules(REGULAR, EXPEDITED)
