"""`synod query`: queries, rows and pages; and proofs, which are believed only when they hold."""

from pathlib import Path
from typing import Any

import pytest

from runtime.address import address_text, parse_address
from scripts.cli import synod
from scripts.client import Client, url_of
from scripts.command import outcome
from scripts.query import WIDEST, listed, proven
from scripts.runtimes import HOST_TABLES, Shown, TableShape
from storage.errors import ProofInvalid
from tests.scripts.conftest import Said

NOBODY = address_text(bytes(20))


def test_a_query_answers_by_its_arguments(said: Said, live: Path) -> None:
    code, answer = said("query", "bank.balance", "owner=account-30", "--home", str(live))
    assert (code, answer["query"], int(answer["result"]) > 0) == (0, "bank.balance", True)
    assert int(said("query", "treasury.pool", "--home", str(live))[1]["result"]) >= 5_000_000_000_000


def test_without_a_name_queries_and_tables_are_listed(said: Said, live: Path) -> None:
    code, listed = said("query", "--home", str(live))
    assert (code, "bank.balance owner=ADDRESS" in listed["queries"]) == (0, True)
    assert "bank.accounts" in listed["tables"] and "host.registry" in listed["host_tables"]


def test_a_whole_key_gives_a_row_its_beginning_a_page_and_none_the_table(said: Said, live: Path) -> None:
    home = ("--home", str(live))
    code, one = said("query", "bank.accounts", "account-30", *home)
    assert (code, one["row"]["value"].keys()) == (0, {"balance"})
    assert said("query", "bank.accounts", NOBODY, *home)[1]["row"]["value"] is None
    assert said("query", "host.registry", "bank", *home)[1]["row"]["value"]["version"] == "1.0.0"  # R2.2
    (operator,) = said("query", "staking.validators", *home)[1]["rows"][0]["key"].values()
    own = said("query", "staking.delegations", operator, *home)[1]["rows"]
    assert [row["key"]["owner"] for row in own] == [operator] * len(own)
    assert len(said("query", "bank.accounts", "--limit", "5", *home)[1]["rows"]) == 5


def test_rows_are_shown_as_wide_as_people_can_read(live: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(synod, ["query", "host.registry", "--home", str(live)], "synod") == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split()[:2] == ["module", "version"] and shown[-1].endswith("--json shows all)")
    assert max(map(len, shown)) <= WIDEST
    history = HOST_TABLES["upgrade.history"]
    value = {spec.name: "ab" * 32 for spec in history.schema.fields} | {"plan": "7"}
    rows = [{"key": {"height": "12", "plan": "7"}, "value": value}] * 2
    told = listed(TableShape(history.name, history.key, history.key_names, history.schema), rows).splitlines()
    assert [line.split() for line in told].count(["plan", "7"]) == len(rows), "a name a line, and none twice"
    assert max(map(len, told)) <= WIDEST


def test_a_proof_of_a_row_and_of_an_absence_is_checked_here(said: Said, live: Path) -> None:
    for key, there in (("account-30", True), (NOBODY, False)):
        code, answer = said("query", "bank.accounts", key, "--prove", "--home", str(live))
        assert (code, answer["proven"], answer["row"]["value"] is not None) == (0, True, there)
    code, host = said("query", "upgrade.running", "--prove", "--home", str(live))
    assert (code, host["row"]["value"]["version"]) == (0, "1.0.0")


def test_a_proof_against_another_root_does_not_hold(said: Said, live: Path) -> None:
    words = ("query", "bank.accounts", "account-30", "--home", str(live), "--root")
    code, refused = said(*words, "ab" * 32)
    assert (code, refused["error"]["code"]) == (1, "proof_invalid")
    root = said("status", "--home", str(live))[1]["app_root"]
    assert said(*words, root)[0] == 0


def test_a_node_that_shows_another_row_or_another_key_is_not_believed(live: Path) -> None:
    table = TableShape("bank.accounts", ("address",), ("owner",), _record(live))
    with Client(url_of(live)) as client:
        rows = [row["key"]["owner"] for row in client.rows("bank.accounts", limit=2)]
        first, second = (client.row("bank.accounts", (one,), prove=True) for one in rows)
    key = (parse_address(rows[0]),)
    honest = proven(first, table, key, None)
    assert honest == first["row"]["value"]
    lying: dict[str, Any] = {**first, "row": {"key": {}, "value": {"balance": "1"}}}
    assert proven(lying, table, key, None) == honest
    with pytest.raises(ProofInvalid):
        proven({**first, "proof": second["proof"]}, table, key, None)
    with pytest.raises(ProofInvalid):
        proven({**first, "proof": {**first["proof"], "value": second["proof"]["value"]}}, table, key, None)
    with pytest.raises(ProofInvalid):
        proven({**first, "proof": {**first["proof"], "value": None}}, table, key, None)
    with pytest.raises(ProofInvalid):
        proven({**first, "proof": None}, table, key, None)


def _record(live: Path) -> Any:
    with Client(url_of(live)) as client:
        found = Shown(client).table("bank.accounts")
    assert found is not None
    return found.record


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("bank.nothing",), "no query or table is called 'bank.nothing'"),
        (("balance",), "'balance' is not MODULE.NAME"),
        (("bank.balance",), "lacks owner (address)"),
        (("bank.balance", "owner=account-30", "--prove"), "only rows of tables can be proven"),
        (("staking.delegations", "account-30", "--prove"), "a proof is of one row"),
        (("governance.proposals", "one"), "its key is proposal (amount)"),
        (("bank.accounts", "account-30", "account-31"), "its key is owner (address)"),
        (("bank.accounts", "account-30", "--root", "12"), "--root takes 64 hex digits"),
    ],
)
def test_wrong_usage_names_what_there_is(said: Said, live: Path, words: tuple[str, ...], named: str) -> None:
    code, refused = said("query", *words, "--home", str(live))
    assert (code, refused["error"]["code"]) == (2, "usage")
    assert named in refused["error"]["message"]


def test_a_node_that_has_the_port_of_a_home_that_is_not_running_must_be_of_its_chain(
    said: Said, live: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNOD_NODE_HTTP_PORT", url_of(live).rpartition(":")[2])
    said("import", str(live / "genesis.json"), "--home", str(tmp_path / "same"))
    said("init", "--home", str(tmp_path / "other"), "--accounts", "8")
    for asked in (("query", "bank.accounts"), ("propose", "list"), ("propose", "show", "1")):
        code, refused = said(*asked, "--home", str(tmp_path / "other"))
        assert (code, refused["error"]["code"]) == (2, "wrong_chain")
    assert said("query", "bank.accounts", "--home", str(tmp_path / "same"))[0] == 0
    assert said("query", "bank.accounts", "--home", str(tmp_path / "other"), "--url", url_of(live))[0] == 0
