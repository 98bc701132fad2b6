"""Polkadot's OpenGov: tracks whose bars fall, decided as soon as a vote has held above them for a time.

Read in polkadot-sdk: substrate/frame/referenda/src/types.rs (Curve::threshold, make_linear, make_reciprocal) and
lib.rs (begin_deciding, service_referendum, is_passing), substrate/frame/conviction-voting/src/types.rs (Tally);
polkadot-fellows/runtimes: relay/polkadot/src/governance/tracks.rs (TRACKS_DATA).

- A decision deposit is gathered within 14 days of submission (UndecidingTimeout); a prepare period passes; at most so
  many referenda of a track are decided at once, and the others wait.
- Approval (ayes of ayes + nays) and support (ayes + abstentions, of all) must both stand at or above curves that fall
  over the decision period. When they do, the confirm period begins, also before the decision period is over and to its
  own end even beyond it; if they cease to, it is broken off. Confirmed: approved. The decision period over and not
  confirming: rejected.
- Enactment at least the track's minimum after approval. The decision deposit is returned, the submission deposit of a
  rejected or timed-out referendum is not.

Curves are the pallet's own numbers, in billionths: what make_reciprocal finds for (delay, level, floor, ceiling).

Here: votes are not weighed by conviction, and support is of all power, not of the issuance; who waits is taken in
order, not by ayes; one unit of this chain stands for a DOT; the submission deposit is a hundredth of the decision
deposit and part of it; there is no veto, and a veto vote counts like nay.
"""

from __future__ import annotations

from governance.presets.preset import DAY, EMERGENCY_ROW, HOUR, MINUTE, Preset, routes
from governance.tracks import NO_VETO, YES_AND_ABSTAIN, TrackRow

APPROVAL_RECIPROCAL = ">= reciprocal 222222224 333333335 333333332"
"""80 % at 4 of 28 days, from 100 % to 50 %."""
APPROVAL_17_DAYS = ">= linear 1000000000 500000000 607142857"
SUPPORT_28_DAYS = ">= linear 500000000 0 1000000000"
SUPPORT_10_PERCENT_AT_7 = ">= reciprocal 49586777 90909091 -45454546"
SUPPORT_1_PERCENT_AT_12 = ">= reciprocal 7892829 15544040 -7772020"

ROOT = TrackRow(
    delay=str(2 * HOUR),
    period=str(28 * DAY),
    confirm=str(DAY),
    timelock=str(DAY),
    deposit="100000",
    initial_share="1/100",
    deposit_period=str(14 * DAY),
    quorum=SUPPORT_28_DAYS,
    turnout=YES_AND_ABSTAIN,
    threshold=APPROVAL_RECIPROCAL,
    veto=NO_VETO,
    min_voters="0",
    max_individual_power_percent="100",
    limit="1",
    cooldown="0",
    early="yes",
    late="0",
    burns_initial="rejected unfunded",
)

OPENGOV = Preset(
    tracks={
        "root": ROOT,
        "wish_for_change": ROOT.but(limit="10", deposit="20000", timelock=str(10 * MINUTE)),
        "treasurer": ROOT.but(limit="10", deposit="1000", confirm=str(7 * DAY)),
        "general_admin": ROOT.but(
            limit="10",
            deposit="5000",
            confirm=str(3 * HOUR),
            timelock=str(10 * MINUTE),
            quorum=SUPPORT_10_PERCENT_AT_7,
        ),
        "referendum_canceller": ROOT.but(
            limit="1000",
            deposit="10000",
            period=str(7 * DAY),
            confirm=str(3 * HOUR),
            timelock=str(10 * MINUTE),
            quorum=SUPPORT_1_PERCENT_AT_12,
            threshold=APPROVAL_17_DAYS,
        ),
        "breaking": ROOT,
        "emergency": EMERGENCY_ROW,
    },
    routes=routes(
        upgrade="root",
        change="root",
        opinion="wish_for_change",
        parameter_change=("general_admin", "root"),
        feature_flag=("general_admin", "root"),
        treasury_spend=("treasurer", "root"),
        cancel_upgrade=("emergency", "referendum_canceller", "root"),
    ),
)
