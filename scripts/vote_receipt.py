"""`synod vote-receipt`: the proof that a vote was counted, made by a node and checked without one.

A receipt holds two rows with their proofs against one state root: the vote with what it counts for, and the standing of
its proposal with the tally. `storage/proofs.py` checks both; what remains to be trusted is the root, and that every
node of the chain agreed on it; of which height it is, a receipt only says. The rows shown are those proven.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from governance.tables import STANDINGS, VOTES
from node.errors import BadRequest
from node.http.values import parse_key, render
from runtime.address import address_text
from storage.errors import ProofInvalid
from storage.proofs import Proof, verify

from .ballots import shown_ballot
from .client import Answered, asking, url_option
from .command import command, run
from .console import Answer, columns
from .exits import Exit
from .identities import Identities
from .options import NewFile, home_option
from .query import read_root

OPTIONS = ("yes", "no", "abstain", "veto")


class ReceiptUnreadable(Exception):
    """A file that holds no receipt."""

    code = "receipt_unreadable"
    exit = Exit.USAGE

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} holds no receipt of a vote ({why}): make one with synod vote-receipt ... --out FILE")
        self.path = path


class NotCounted(Exception):
    """It is proven that there is no such vote."""

    code = "not_counted"
    exit = Exit.REFUSED

    def __init__(self, proposal: int, voter: str, height: int) -> None:
        super().__init__(f"at height {height} proposal {proposal} has no vote of {voter}; this is proven")
        self.proposal = proposal
        self.voter = voter


@command(
    "vote-receipt",
    examples=(
        "synod vote-receipt 3 alice                       # prove it here and now",
        "synod vote-receipt 3 alice --out receipt.json    # keep it",
        "synod vote-receipt --check receipt.json --root 5f2c...   # no node is asked",
    ),
)
@click.argument("proposal", type=click.IntRange(1), required=False)
@click.argument("voter", metavar="[NAME|ADDRESS]", required=False)
@click.option("--out", type=NewFile(), help="Keep the receipt in this new file.")
@click.option("--check", "kept", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Check the receipt in this file.")  # fmt: skip
@click.option("--root", help="The state root to prove against, 64 hex digits.  [default: the one the receipt names]")
@home_option
@url_option
def command_line(
    proposal: int | None, voter: str | None, out: Path | None, kept: Path | None, root: str | None, home: Path,
    url: str | None,
) -> Answer:  # fmt: skip
    """Prove that a vote was counted: its row and the tally's, against one state root.

    Exit 0: proven. 1: there is no such vote, or a proof does not hold. 2: wrong usage, or a file without a receipt.
    """
    if (kept is None) == (proposal is None) or (proposal is None) != (voter is None):
        raise click.UsageError("give PROPOSAL and who voted, or --check FILE")
    if kept is not None:
        return _told(_read(kept), root, "the receipt")
    assert proposal is not None and voter is not None, "one of two ways was asked for"
    who = Identities(home).text(voter)
    with asking(home, url) as client:
        receipt = {"proposal": proposal, "voter": who, **client.vote_receipt(proposal, who)}
    answer = _told(receipt, root, "the node")
    if out is not None:
        out.write_text(json.dumps(receipt, indent=2) + "\n", encoding="utf-8")
    return answer


def checked(receipt: Answered, root: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The vote and the tally of a receipt, decoded from proven bytes; raises ProofInvalid, NotCounted."""
    proposal, voter = receipt["proposal"], receipt["voter"]
    number, address = parse_key(VOTES.key, VOTES.key_names, (str(proposal), voter))
    raw = _proven(receipt["vote"]["proof"], VOTES.name, VOTES.pack((number, address)), root)
    standing = _proven(receipt["standing"]["proof"], STANDINGS.name, STANDINGS.pack((number,)), root)
    if standing is None:
        raise ProofInvalid(f"there is no proposal {proposal}")
    if raw is None:
        raise NotCounted(proposal, voter, receipt["height"])
    vote, stands = VOTES.codec.decode_canonical(raw), STANDINGS.codec.decode_canonical(standing)
    shown_rows = (receipt["vote"]["row"]["value"], receipt["standing"]["row"]["value"])
    if shown_rows != (render(VOTES.schema, vote), render(STANDINGS.schema, stands)):
        raise ProofInvalid("the rows that it shows are not those that it proves")
    tally = stands.tally
    counts = {name: getattr(tally, name) for name in OPTIONS}
    if any(part > count for part, count in zip(vote.parts, counts.values(), strict=True)):
        raise ProofInvalid("the tally does not hold the vote")
    said = shown_ballot(render(VOTES.schema, vote))
    cast_by = address_text(vote.proxy) if vote.proxy else voter
    shown = {"vote": said, "weight": str(vote.weight), "height": str(vote.height), "cast_by": cast_by}
    return shown, {**{name: str(count) for name, count in counts.items()}, "voters": str(tally.voters)}


def _proven(proof: object, table: str, key: bytes, root: bytes) -> bytes | None:
    found = Proof.from_json(proof)
    if (found.table, found.key) != (table, key):
        raise ProofInvalid(f"it is of another row of {found.table} than the one the receipt is about")
    return verify(found, root)


def _told(receipt: Answered, root: str | None, teller: str) -> Answer:
    against = root or receipt["app_root"]
    vote, tally = checked(receipt, read_root(against))
    rows = [
        ("vote", f"{vote['vote']}, by {vote['cast_by']} at height {int(vote['height']):,}"),
        ("counts for", f"{int(vote['weight']):,}"),
        ("tally", ", ".join(f"{name} {int(count):,}" for name, count in tally.items())),
    ]
    named = f", which {teller} names for height {receipt['height']:,}: hold it against a node that you trust"
    proven = f"proven against root {against}{'' if root else named}"
    text = f"proposal {receipt['proposal']}, {receipt['voter']}\n{columns(rows)}\n{proven}"
    return Answer({**receipt, "counted": vote, "tally": tally, "proven": True, "root": against}, text)


def _read(path: Path) -> Answered:
    try:
        receipt = json.loads(path.read_text(encoding="utf-8"))
        shape = {"proposal": int, "voter": str, "height": int, "app_root": str, "vote": dict, "standing": dict}
        for name, kind in shape.items():
            if not isinstance(receipt[name], kind):
                raise ReceiptUnreadable(path, f"its {name} is missing or of another kind")
        for part in (receipt["vote"], receipt["standing"]):
            part["proof"], part["row"]["value"]
        parse_key(VOTES.key, VOTES.key_names, (str(receipt["proposal"]), receipt["voter"]))
        read_root(receipt["app_root"])
    except click.UsageError:
        raise ReceiptUnreadable(path, "its app_root is not 64 hex digits") from None
    except (ValueError, KeyError, TypeError, RecursionError, BadRequest) as wrong:
        raise ReceiptUnreadable(path, str(wrong) or type(wrong).__name__) from None
    answered: Answered = receipt
    return answered


if __name__ == "__main__":
    run(command_line)
