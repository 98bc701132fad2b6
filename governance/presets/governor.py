"""OpenZeppelin's Governor, set up as its wizard does, with Compound's threshold for proposing.

Read in openzeppelin-contracts/contracts/governance: extensions/GovernorSettings.sol (votingDelay, votingPeriod,
proposalThreshold), extensions/GovernorVotesQuorumFraction.sol (quorum), extensions/GovernorCountingSimple.sol
(_quorumReached, _voteSucceeded), extensions/GovernorPreventLateQuorum.sol (_tallyUpdated), TimelockController.sol; and
compound-protocol/contracts/Governance/GovernorBravoDelegate.sol (propose).

- Proposing takes power: 1/400 of all (25,000 of Compound's 10,000,000). One proposal a proposer at once (Bravo).
- Voting begins a day after the proposal, by power as of then, and is open for a week.
- Quorum: for + abstain at or above 4/100 of all power, rounded down; against does not count for it. Succeeded: for
  above against, so above 1/2 of both. No veto.
- The first vote by which the quorum is reached leaves at least a day more (lateQuorumVoteExtension), once.
- Timelock of two days.

Here: a veto vote counts like against; nothing is deposited, so nothing is burned; a vote may be changed until the
close, which Governor does not allow; "first" is then the first time at all. Executing is not left to anybody who calls
it, but happens by itself.
"""

from __future__ import annotations

from governance.presets.preset import DAY, EMERGENCY_ROW, Preset, routes
from governance.tracks import NO_VETO, ON_QUORUM, YES_AND_ABSTAIN, TrackRow

GOVERNOR_ROW = TrackRow(
    delay=str(DAY),
    period=str(7 * DAY),
    timelock=str(2 * DAY),
    deposit="0",
    quorum=">=floor 4/100",
    turnout=YES_AND_ABSTAIN,
    threshold="> 1/2",
    veto=NO_VETO,
    min_voters="0",
    max_individual_power_percent="100",
    power_floor="1/400",
    cooldown="0",
    late="1/7",
    late_on=ON_QUORUM,
)

GOVERNOR = Preset(
    tracks={
        "governor": GOVERNOR_ROW,
        "breaking": GOVERNOR_ROW.but(threshold=">= breaking_threshold"),
        "emergency": EMERGENCY_ROW,
    },
    routes=routes(upgrade="governor", change="governor", opinion="governor"),
    parameters={"max_open_per_proposer": 1},
)
