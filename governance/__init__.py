"""Whether and when: electorate, tracks, proposals, tally and timelock."""
