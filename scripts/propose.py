"""`synod propose`: a proposal of each kind, signed and sent, with its deposit; and what has been proposed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import click

from governance.proposals import (
    KIND_NAMES,
    AppointGuardian,
    AppointReviewers,
    CancelUpgrade,
    FeatureSwitch,
    Isolate,
    ParameterChange,
    Pause,
    RestoreModule,
    Resume,
    Rollback,
    Statement,
    TreasurySpend,
    acts_of,
)
from storage.hashing import HASH_BYTES
from storage.record import Record

from .bundles import EXISTING
from .client import asking, url_option
from .command import group, run
from .comparison import effect_text
from .console import Answer, columns, note
from .exits import Exit
from .options import home_option, until_option
from .proposing import batch_of, changed_tracks, new_value, proposal_line, proposal_text, propose, said_text
from .proposing_upgrade import Examined, propose_upgrade
from .signing import Asked, desk_of, signing_options

_WORDS = (
    click.option("--title", help="One line for people.  [default: made from the content]"),
    click.option("--description", default="", help="What and why, up to 10,000 characters."),
    click.option("--track", default="", help="The rules of decision.  [default: the first that the kind may take]"),
    click.option("--after", type=click.IntRange(1), help="The proposal that must have taken effect before this one."),
    click.option("--deposit", type=click.IntRange(0), help="Units deposited now.  [default: all that the track takes]"),
)


def words_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the words, track and deposit of a proposal; all but the deposit reach it as a table of texts."""

    @wraps(function)
    def gathered(*arguments: Any, title: str | None, after: int | None, **others: Any) -> Any:
        texts = {name: others.pop(name) for name in ("description", "track")}
        words = {"title": title or "", "after": str(after or ""), **texts}
        return function(*arguments, words=words, **others)

    decorated: Callable[..., Any] = signing_options(gathered)
    for option in reversed(_WORDS):
        decorated = option(decorated)
    return decorated


def _proposed(asked: Asked, words: dict[str, str], title: str, content: Record, deposit: int | None) -> Answer:
    with desk_of(asked) as desk:
        return propose(desk, desk.signer(), {**words, "title": words["title"] or title}, content, deposit)


def _digest(_: click.Context, __: click.Parameter, given: str) -> bytes:
    try:
        digest = bytes.fromhex(given)
    except ValueError:
        digest = b""
    if len(digest) != HASH_BYTES:
        raise click.BadParameter("a backup is named by 64 hexadecimal digits; `synod backup list --json` shows them")
    return digest


@group(
    "propose",
    examples=(
        "synod propose upgrade --bundle my-runtime --from validator-0",
        "synod propose parameter voting_period=7200 --from alice",
        "synod propose list",
        "synod call governance.deposit proposal=1 amount=500 --from bob    # adds to a draft's deposit",
        "synod vote 1 yes --from validator-0",
    ),
)
def command_line() -> None:
    """Propose something to the electorate, or see what has been proposed.

    What comes with less than the deposit of its track (`--deposit`) is a draft until anybody has added the rest.
    """


@command_line.command(
    "upgrade",
    examples=(
        "synod propose upgrade --bundle my-runtime --from validator-0",
        "synod propose upgrade --bundle my-runtime-2.0.0.tar --delay 120000 --title 'Date every account'",
    ),
)
@click.option("--bundle", "path", type=EXISTING, required=True, help="The bundle: a folder, or a packed archive.")
@click.option("--delay", type=click.IntRange(1),
              help="Blocks from approval to activation.  [default: the chain's timelock]")  # fmt: skip
@click.option("--estimate", type=click.IntRange(1), metavar="SECONDS",
              help="How long you expect a rehearsal of it to take; shown beside what validators measure.")  # fmt: skip
@words_options
def upgrade(
    path: Path, delay: int | None, estimate: int | None, words: dict[str, str], deposit: int | None, asked: Asked
) -> Answer:
    """Publish a bundle and propose that the chain runs it.

    The bundle is checked here as the chain will, and compared with the running one; the effect that this gives is
    printed and named in the proposal, so that every vote is on exactly these bytes and this effect.
    """
    with desk_of(asked) as desk:
        found = Examined.of(desk, path)
        note(effect_text(found.effect))
        return propose_upgrade(desk, desk.signer(), found, words, deposit, delay, estimate)


@command_line.command(
    "parameter",
    examples=(
        "synod propose parameter voting_period=7200 --from alice",
        "synod propose parameter quorum_threshold=0.4 approval_threshold=2/3 --title 'Raise both'",
    ),
)
@click.argument("values", metavar="NAME=VALUE...", nargs=-1, required=True)
@words_options
def parameter(values: tuple[str, ...], words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose other values of chain parameters: all of them take effect together, or none."""
    content = ParameterChange(values=tuple(new_value(word) for word in values))
    return _proposed(asked, words, f"Set {', '.join(values)}", content, deposit)


@command_line.command("feature", examples=("synod propose feature faucet on --from alice",))
@click.argument("name")
@click.argument("state", type=click.Choice(["on", "off"]))
@words_options
def feature(name: str, state: str, words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose to turn a feature of a module on or off."""
    return _proposed(asked, words, f"Turn {name} {state}", FeatureSwitch(name=name, on=state == "on"), deposit)


@command_line.command("spend", examples=("synod propose spend syn1... 5000000 --title 'Pay the audit' --from alice",))
@click.argument("recipient")
@click.argument("amount", type=click.IntRange(1))
@words_options
def spend(recipient: str, amount: int, words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose to pay AMOUNT units out of the community pool to RECIPIENT."""
    content = TreasurySpend(recipient=asked.identities().address(recipient), amount=amount)
    return _proposed(asked, words, f"Pay {amount:,} units to {recipient}", content, deposit)


@command_line.command("rollback", examples=("synod propose rollback 4 --from validator-0", "synod rollback"))
@click.argument("proposal", type=click.IntRange(1))
@words_options
def rollback(proposal: int, words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose to undo the upgrade that PROPOSAL brought. `synod rollback` also votes, and says when it takes effect."""
    return _proposed(asked, words, f"Roll back the upgrade of proposal {proposal}", Rollback(upgrade=proposal), deposit)


@command_line.command("cancel-upgrade", examples=("synod propose cancel-upgrade 4 --from validator-0",))
@click.argument("proposal", type=click.IntRange(1))
@words_options
def cancel_upgrade(proposal: int, words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose to end the approved upgrade of PROPOSAL before its activation."""
    content = CancelUpgrade(upgrade=proposal)
    return _proposed(asked, words, f"Cancel the upgrade of proposal {proposal}", content, deposit)


@command_line.command(
    "pause",
    examples=(
        "synod propose pause --title 'Coins go missing' --from validator-0",
        "synod propose pause --until 26000 --from validator-0",
    ),
)
@until_option
@words_options
def pause(until: int, words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose safe mode: the modules' calls wait, governance goes on."""
    return _proposed(asked, words, "Pause the chain", Pause(until=until), deposit)


@command_line.command("isolate", examples=("synod propose isolate faucet --until 26000 --from validator-0",))
@click.argument("module")
@until_option
@words_options
def isolate(module: str, until: int, words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose that nothing of MODULE runs: its calls, calls into it and its hooks are refused, the rest goes on."""
    return _proposed(asked, words, f"Isolate {module}", Isolate(module=module, until=until), deposit)


@command_line.command("resume", examples=("synod propose resume --from validator-0", "synod propose resume faucet"))
@click.argument("module", default="")
@words_options
def resume(module: str, words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose to end a pause of the chain, or the isolation of MODULE."""
    return _proposed(asked, words, f"Resume {module or 'the chain'}", Resume(module=module), deposit)


@command_line.command(
    "guardian", examples=("synod propose guardian syn1... --from alice", "synod propose guardian none --from alice")
)
@click.argument("who", metavar="NAME|ADDRESS|none")
@words_options
def guardian(who: str, words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose who may cancel, pause and isolate at once (`synod guardian`), or that nobody may."""
    chosen = () if who == "none" else (asked.identities().address(who),)
    return _proposed(asked, words, f"Appoint as guardian: {who}", AppointGuardian(guardian=chosen), deposit)


@command_line.command(
    "restore-module",
    examples=("synod propose restore-module shelf 9f86d081884c7d65... --from alice", "synod backup restore 9f86d081"),
)
@click.argument("module")
@click.argument("backup", metavar="BACKUP", callback=_digest)
@words_options
def restore_module(module: str, backup: bytes, words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose that the data of MODULE comes back: the BACKUP that its reinstall left behind, by its whole digest.

    `synod backup restore` also votes, and waits until it has taken effect.
    """
    content = RestoreModule(module=module, backup=backup)
    return _proposed(asked, words, f"Bring back the data of {module}", content, deposit)


@command_line.command(
    "tracks",
    examples=(
        "synod propose tracks ordinary quorum='>= 2/5' limit=5 --from alice",
        "synod propose tracks small --like ordinary deposit=10 --kinds treasury_spend --from alice",
        "synod propose tracks small --remove --from alice",
    ),
)
@click.argument("name", metavar="TRACK")
@click.argument("rules", metavar="RULE=TEXT...", nargs=-1)
@click.option("--like", help="Begin with the rules of this track.  [default: TRACK itself, if it is there]")
@click.option("--kinds", default="", help="Kinds of proposal, with commas, that may take it from then on as well.")
@click.option("--remove", is_flag=True, help="Take the track away, and its name out of every kind's list.")
@words_options
def tracks(
    name: str,
    rules: tuple[str, ...],
    like: str | None,
    kinds: str,
    remove: bool,
    words: dict[str, str],
    deposit: int | None,
    asked: Asked,
) -> Answer:
    """Propose other rules for TRACK, for proposals made after it takes effect. `synod tracks` shows the present ones.

    A rule is a value or the name of the chain parameter that it follows; an empty text stands for the usual one.
    """
    with desk_of(asked) as desk:
        routed = [kind.strip() for kind in kinds.split(",")] if kinds else []
        rows, parameters = desk.client.tracks(), desk.client.parameters()
        content = changed_tracks(rows, parameters, name, rules, like, routed, remove)
        title = words["title"] or f"{'Remove' if remove else 'Change'} track {name}"
        return propose(desk, desk.signer(), {**words, "title": title}, content, deposit)


@command_line.command("batch", examples=("synod propose batch acts.json --title 'Raise and pay' --from alice",))
@click.argument("file", type=click.File(encoding="utf-8"))
@words_options
def batch(file: TextIO, words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose several acts that take effect together or not at all.

    FILE ('-' is stdin) is a JSON list: [{"parameter_change": {"values": [{"name": "min_deposit", "number": "900"}]}},
    {"treasury_spend": {"recipient": "syn1...", "amount": "7"}}].
    """
    content = batch_of(file.read())
    kinds = ", ".join(KIND_NAMES[type(act)] for act in acts_of(content))
    return _proposed(asked, words, f"Together: {kinds}"[:140], content, deposit)


@command_line.command("reviewers", examples=("synod propose reviewers alice bob --from alice",))
@click.argument("who", metavar="NAME|ADDRESS...", nargs=-1)
@words_options
def reviewers(who: tuple[str, ...], words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Propose who reviews what voters have approved, on tracks that ask for reviews; nobody named leaves nobody."""
    chosen = tuple(asked.identities().address(one) for one in who)
    title = f"Appoint as reviewers: {', '.join(who) or 'nobody'}"
    return _proposed(asked, words, title, AppointReviewers(reviewers=chosen), deposit)


@command_line.command("text", examples=("synod propose text 'Meet on Friday' --description 'At noon.'",))
@click.argument("heading", metavar="[TITLE]", required=False, default="")
@words_options
def text(heading: str, words: dict[str, str], deposit: int | None, asked: Asked) -> Answer:
    """Ask for the electorate's opinion of a text; it changes nothing by itself."""
    if bool(heading) == bool(words["title"]):
        raise click.UsageError("a text needs a TITLE, and one")
    return _proposed(asked, words, heading, Statement(), deposit)


@command_line.command("list", examples=("synod propose list", "synod propose list --status voting --json"))
@click.option("--status", default="", help="Only those in this state: deposit, delay, voting, timelock, executed, ...")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How many at most.")
@home_option
@url_option
def list_proposals(status: str, limit: int, home: Path, url: str | None) -> Answer:
    """Show the newest proposals."""
    with asking(home, url) as client:
        found = client.proposals(status, limit)
    rows = [proposal_line(one) for one in found]
    return Answer(found, columns(rows, ("id", "status", "kind", "title", "heights")) if rows else "no proposals")


@command_line.command("show", examples=("synod propose show 1",))
@click.argument("proposal", type=click.IntRange(1))
@home_option
@url_option
def show(proposal: int, home: Path, url: str | None) -> Answer:
    """Show one proposal: what it would do, under which rules, how far it is, what happened to it."""
    with asking(home, url) as client:
        found = client.proposal(proposal)
        text = proposal_text(found, client.status()["height"])
    steps = [(f"{int(one['height']):,}", one["status"], one["reason"]) for one in found["history"]]
    said = said_text(found["proposal"]["words"])
    parts = [text, *(["", said, ""] if said else []), columns(steps, ("height", "status", "reason"))]
    return Answer(found, "\n".join(parts), Exit.PASSED)


if __name__ == "__main__":
    run(command_line)
