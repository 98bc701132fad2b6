"""The electorate of a chain begun from the Hub's genesis: every bonded coin has one voter, to the unit.  # R1.6"""

from pathlib import Path

from governance.electorate import MOST_DELEGATIONS, delegated_at, electors_at, stake_at, validator_at, worth
from governance.tables import STAKES
from node.application import Application
from node.beginning import begin
from node.genesis.document import Genesis
from node.verification import Verifier


def test_the_hub_s_delegators_can_take_their_part_out_of_their_validators(hub: Genesis, tmp_path: Path) -> None:
    home, _ = begin(tmp_path / "home", hub, "")
    with Verifier() as verifier:
        application = Application.open(home, verifier)
        view = application.state.view()
        bonded = {one.operator: one for one in hub.validators if one.bonded}
        electors = electors_at(view, view.height)
        assert (electors.power, electors.voters) == (sum(one.tokens for one in bonded.values()), len(bonded))
        of_others = [one for one in hub.delegations if one.owner != one.validator]
        assert [key[0] for key, _ in view.scan(STAKES)] == sorted({one.owner for one in of_others})
        most = max(len(row.parts) for _, row in view.scan(STAKES))
        assert most == 68 < MOST_DELEGATIONS, "nobody there has more delegations than count"
        for operator, validator in bonded.items():
            mine = [one for one in of_others if one.validator == operator]
            parts = [worth(one.shares, validator_at(view, operator, view.height)) for one in mine]
            exact = validator.tokens * sum(one.shares for one in mine) // validator.shares
            assert exact - len(mine) <= sum(parts) <= exact <= validator.tokens
        whale = max({one.owner for one in of_others}, key=lambda owner: delegated_at(view, owner, view.height))
        held = {part.validator: part.shares for part in stake_at(view, whale, view.height).parts}
        assert held == {one.validator: one.shares for one in of_others if one.owner == whale}
        application.close()
