"""Tracks of any rules, as a machine draws them: every rule said, so that no parameter has a part in them."""

from __future__ import annotations

from hypothesis import strategies as st

PLAIN: dict[str, str] = {
    "delay": "1",
    "period": "8",
    "confirm": "0",
    "timelock": "5",
    "grace": "10",
    "deposit": "1000",
    "deposit_growth_percent": "0",
    "initial_share": "1/4",
    "deposit_period": "5",
    "quorum": ">= 334/1000",
    "turnout": "all",
    "threshold": ">= 667/1000",
    "veto": ">= 334/1000",
    "min_voters": "1",
    "max_individual_power_percent": "100",
    "power_floor": "0",
    "urgent": "no",
    "limit": "0",
    "cooldown": "0",
    "early": "no",
    "late": "0",
    "late_on": "swing",
    "turns_into": "",
    "then": "",
    "burns": "vetoed",
    "burns_initial": "",
    "cancel_burn": "0",
    "reviews": "0",
    "review_period": "4",
    "implementation": ">= 0/1",
    "implementation_period": "4",
}
DRAWN: dict[str, tuple[str, ...]] = {
    "delay": ("1", "3"),
    "confirm": ("0", "3", "3"),
    "timelock": ("0", "5"),
    "grace": ("10", "40"),
    "deposit_growth_percent": ("0", "50"),
    "quorum": (">= 334/1000", "> 1/2", ">= moving 1000 5000", ">= linear 800000000 200000000 500000000"),
    "turnout": ("all", "yes_and_abstain"),
    "threshold": (
        ">= 667/1000",
        "> 1/2",
        ">=floor 2/3",
        ">= linear 1000000000 500000000 1000000000",
        ">= reciprocal 200000000 200000000 350000000",
    ),
    "veto": (">= 334/1000", "> 1/2"),
    "min_voters": ("1", "3"),
    "limit": ("0", "1", "1", "2"),
    "cooldown": ("0", "4", "12"),
    "early": ("no", "yes"),
    "late": ("0", "1/4", "1/2"),
    "late_on": ("swing", "quorum"),
    "turns_into": ("", "slow"),
    "then": ("", "second"),
    "burns": ("vetoed", "vetoed no_quorum timed_out", "too_few_voters called_off refused"),
    "burns_initial": ("", "unfunded no_quorum"),
    "cancel_burn": ("0", "1/3"),
    "reviews": ("0", "0", "1"),
    "implementation": (">= 0/1", ">= 0/1", ">= 1/2"),
}


def row(**others: str) -> dict[str, str]:
    """A track's rules: plain ones but for these; a vote ends early only where it has to confirm."""
    texts = {**PLAIN, **others}
    return {**texts, "early": "no"} if texts["confirm"] == "0" else texts


def rows(*names: str, **others: str) -> st.SearchStrategy[dict[str, str]]:
    """Rows in which these rules are drawn, all that can be where none is named, and ``others`` are as said."""
    drawn = {name: st.sampled_from(DRAWN[name]) for name in names or DRAWN}
    return st.builds(row, **{**drawn, **{name: st.just(text) for name, text in others.items()}})
