"""`synod keys`: the key files of a home.

A key file is sealed by a password; `--plain` leaves it open and is for development chains. A rehearsal's keys need no
files, as they follow from its seed: `derive` writes one of them down, to sign by hand in a rehearsed chain. `rotate`
alone speaks to a node: it gives an address another key.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from node.genesis.generated import generated_address
from node.genesis.substitute import account_key, checked_seed, validator_key
from runtime.address import address_text, parse_address
from runtime.host_calls import rotation_message
from runtime.keystore import KeyInfo, KeyStore

from .arguments import encoded
from .command import group, run
from .console import Answer, columns
from .options import home_option, password_from, password_option, plain_option
from .signing import Asked, desk_of, signing_options, told

ROTATE = "keys.rotate"


def store_of(home: Path, *, plain: bool) -> KeyStore:
    """The key store in a home; its folder is made with the first key."""
    return KeyStore(home / "keys", os.urandom, allow_plain=plain)


def shown(info: KeyInfo) -> dict[str, Any]:
    """A key as it may be shown to anybody."""
    return {
        "name": info.name,
        "address": info.address,
        "public_key": info.public.hex(),
        "encrypted": info.encrypted,
        "file": str(info.path),
    }


@group("keys", examples=("synod keys create alice", "synod keys list", "synod keys change-password alice"))
def command_line() -> None:
    """Make, list and guard the keys that sign."""


@command_line.command("create", examples=("synod keys create alice", "synod keys create dev --plain"))
@click.argument("name")
@home_option
@password_option
@plain_option
def create(name: str, home: Path, password_file: Path | None, plain: bool) -> Answer:
    """Make a new key; its address is ready to receive coins at once."""
    password = None if plain else password_from(password_file, f"Password for {name}", confirm=True)
    info = store_of(home, plain=plain).create(name, password)
    return Answer(shown(info), f"{info.name}: {info.address}\n{info.path}")


@command_line.command("list", examples=("synod keys list --json",))
@home_option
def list_keys(home: Path) -> Answer:
    """Show every key of the home; needs no password."""
    found = [shown(info) for info in store_of(home, plain=True).list()]
    rows = [(key["name"], key["address"], "sealed" if key["encrypted"] else "PLAIN") for key in found]
    return Answer(found, columns(rows, ("name", "address", "file")) if rows else f"no keys in {home / 'keys'}")


@command_line.command("show", examples=("synod keys show alice",))
@click.argument("name")
@home_option
def show(name: str, home: Path) -> Answer:
    """Show one key's address and public half; needs no password."""
    data = shown(store_of(home, plain=True).info(name))
    return Answer(data, columns(list(data.items())))


@command_line.command("change-password", examples=("synod keys change-password alice",))
@click.argument("name")
@home_option
@password_option
@click.option(
    "--new-password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the new password from the first line of a file.",
)
@click.option("--plain", is_flag=True, help="The key has no password yet.")
def change_password(
    name: str, home: Path, password_file: Path | None, new_password_file: Path | None, plain: bool
) -> Answer:
    """Seal a key under another password; the old file stays whole until the new one is."""
    store = store_of(home, plain=plain)
    sealed = store.info(name).encrypted
    old = password_from(password_file, f"Present password of {name}") if sealed else None
    new = password_from(new_password_file, f"New password for {name}", confirm=True)
    store.change_password(name, old, new)
    return Answer(shown(store.info(name)), f"{name} is sealed under the new password")


@command_line.command(
    "derive",
    examples=(
        "synod keys derive me --seed 1 --index 0 --plain",
        "synod keys derive whale --seed 1 --account syn1... --plain",
        "synod keys derive val --seed 1 --validator syn1... --plain",
    ),
)
@click.argument("name")
@click.option("--seed", required=True, help="The seed of the rehearsal.")
@click.option("--index", type=click.IntRange(0), help="Account number so-and-so of a generated genesis.")
@click.option("--account", help="The address whose account key is wanted.")
@click.option("--validator", help="The operator address whose consensus key is wanted.")
@home_option
@password_option
@plain_option
def derive(
    name: str,
    seed: str,
    index: int | None,
    account: str | None,
    validator: str | None,
    home: Path,
    password_file: Path | None,
    plain: bool,
) -> Answer:
    """Write down a key that follows from a rehearsal's seed. Anybody who knows the seed has it too."""
    if sum(given is not None for given in (index, account, validator)) != 1:
        raise click.UsageError("say whose key: give one of --index, --account and --validator")
    checked_seed(seed)
    text = account or validator
    address = parse_address(text) if text else generated_address(seed, index or 0)
    key = validator_key(seed, address) if validator else account_key(seed, address)
    password = None if plain else password_from(password_file, f"Password for {name}", confirm=True)
    info = store_of(home, plain=plain).create(name, password, key)
    role = "blocks of validator" if validator else "account"
    data = {**shown(info), "address": address_text(address), "signs_for": role}
    return Answer(data, f"{name} signs for {role} {address_text(address)}\n{info.path}")


@command_line.command(
    "rotate",
    examples=(
        "synod keys rotate new --from alice",
        "synod transfer syn1... 5 --from syn1...ALICE --key new   # afterwards",
    ),
)
@click.argument("new")
@signing_options
def rotate(new: str, asked: Asked) -> Answer:
    """Let the key file NEW speak for the sender's address from now on; the old key signs this, and nothing after it.

    The address stays, with all that it owns. Afterwards name both: --from ADDRESS --key NEW.
    """
    with desk_of(asked) as desk:
        signer = desk.signer()
        key = desk.identities.signer(signer.text, new).key
        proof = key.sign(rotation_message(desk.chain_id, signer.address))
        target = desk.runtime.call(ROTATE)
        args = encoded(ROTATE, target.args, {"key": key.public.hex(), "proof": proof.hex()})
        return told(desk.outcome([desk.send(signer, target, args)]), f"{new} is to sign for {signer.text}")


if __name__ == "__main__":
    run(command_line)
