"""`synod`: every command of this folder under one name, each loaded only when it is called.

The table is the whole of the menu: command, file, and the line that `synod --help` shows. To add a command, write its
file with a click command named `command_line`, and a row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import click

from .command import SynodGroup, run


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu."""

    module: str
    meaning: str


COMMANDS: dict[str, Entry] = {
    "rehearse": Entry("rehearse", "Live through a governed upgrade on a fresh chain; the main job."),
    "upgrade": Entry("upgrade", "Check, propose, vote, activate and verify an upgrade of your own chain."),
    "rehearse-upgrade": Entry("rehearse_upgrade", "Try a proposed upgrade on this home's own state."),
    "rehearsal": Entry("rehearsal", "Compare what rehearsals came to."),
    "init": Entry("init", "Begin a chain in a new folder."),
    "start": Entry("start", "Run the node of a folder."),
    "halt": Entry("halt", "Stop the node of a folder."),
    "status": Entry("status", "Where a chain stands."),
    "verify": Entry("verify", "Check a running deployment: health, calls, version, invariants, manifest."),
    "transfer": Entry("transfer", "Send coins."),
    "call": Entry("call", "Sign any call that the chain runs now."),
    "query": Entry("query", "Ask a query or read a table, with a proof if wanted."),
    "transaction": Entry("transaction", "What became of a transaction."),
    "propose": Entry("propose", "Propose an upgrade, a parameter, a spend, a rollback, ...; list proposals."),
    "tracks": Entry("tracks", "The rules that proposals are decided by."),
    "vote": Entry("vote", "Vote on a proposal, or on many from a file; sign a vote for others to send."),
    "tally": Entry("tally", "How a vote stands, how it would, and who could turn it."),
    "vote-receipt": Entry("vote_receipt", "Prove that a vote was counted."),
    "electorate": Entry("electorate", "Who may vote, and for how much."),
    "approve": Entry("approve", "Approve what was voted for, as a reviewer or a yes voter."),
    "rollback": Entry("rollback", "Undo the last upgrade by an emergency vote."),
    "guardian": Entry("guardian", "Cancel, pause or isolate at once, as the chain's guardian."),
    "checkpoint": Entry("checkpoint", "Make, list, verify and remove checkpoints."),
    "backup": Entry("backup", "What reinstalled modules left behind: list, verify, hand on, bring back."),
    "incident": Entry("incident", "What went wrong: list, show and note on sealed reports."),
    "restore": Entry("restore", "Put a home back to a checkpoint, or begin a new chain from it."),
    "import": Entry("import_genesis", "Read another chain's genesis and make it a chain of yours."),
    "keys": Entry("keys", "Make, list and guard the keys that sign."),
    "bundle": Entry("bundle", "Start, check, compare and pack a runtime version."),
}


class Menu(SynodGroup):
    """The top group: knows its commands from the table, imports none until it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        loaded = import_module(f".{entry.module}", __package__).command_line
        assert isinstance(loaded, click.Command), f"scripts/{entry.module}.py has no click command"
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.meaning) for name, entry in COMMANDS.items()])


def installed_version() -> str:
    """The release of the host software, not of any runtime."""
    try:
        return version("synod")
    except PackageNotFoundError:
        return "not installed"


@click.command(
    "synod",
    cls=Menu,
    examples=("synod keys create alice", "synod bundle new my-runtime", "synod COMMAND --help"),
)
@click.version_option(installed_version(), message="synod release %(version)s")
def synod() -> None:
    """Live through a governed runtime upgrade on your own machine, before the real chain does.

    Exit codes: 0 passed, 1 refused or failed, 2 wrong usage, 3 this machine, 130 interrupted. Every command takes
    --json.
    """


def main() -> None:
    """The entry point that installing the project puts on PATH."""
    run(synod, name="synod")


if __name__ == "__main__":
    main()
