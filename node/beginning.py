"""A new home: settings, genesis, the state at height 0, and a last-signed record that has signed nothing.

`[chain]` and `[upgrade]` of the settings feed the genesis here and nothing afterwards. A document of our own is taken
as it stands, because all nodes of its chain must begin with the same digest; into one that is made here, generated or
read from another chain's export, every value that the settings state is written.
"""

from __future__ import annotations

import json
import re
import shutil
from fractions import Fraction
from pathlib import Path

from governance.presets import PRESETS
from governance.presets.cosmos import of_rules
from governance.tracks import TrackRow, said
from node.application import Application
from node.genesis.document import Genesis
from node.genesis.errors import GenesisImpossible, GenesisInconsistent
from node.genesis.generated import generated_address, generated_genesis
from node.genesis.reading import read_genesis
from node.settings import Settings, documentation
from node.settings_source import as_toml
from storage.durable import sync_directory
from storage.headfile import Head, read_head
from storage.home import Home, HomeLock
from storage.readprogress import Told, untold
from storage.signing import LastSigned

_BEGUN = "format.begun"
"""Stands for the `format` file until a home is whole."""


def generated(
    settings: Settings,
    accounts: int,
    validators: int,
    seed: str,
    chain_name: str,
    guardian: int | None = None,
    preset: str = "default",
    told: Told = untold,
) -> Genesis:
    """A chain made up from a seed, with the account of that number as its guardian; ``told`` hears how many accounts
    are made. Raises SeedInvalid or GenesisImpossible."""
    genesis = _with_stated(generated_genesis(accounts, validators, seed, chain_name, told), settings, preset)
    if guardian is None:
        return genesis
    if guardian >= accounts:
        raise GenesisImpossible("guardian", f"there is no account-{guardian}, the last is account-{accounts - 1}")
    return genesis.model_copy(update={"guardian": generated_address(seed, guardian)})


def imported(settings: Settings, raw: bytes, seed: str, preset: str | None = None) -> Genesis:
    """The chain of a genesis file, with the tracks of a preset where the file is another chain's: those of `cosmos` by
    the rules that its export states. What is being decided there goes on under these rules beside any preset.

    Raises what `read_genesis` refuses, and GenesisInconsistent for a preset beside a file that has tracks of its own.
    """
    genesis = read_genesis(raw, seed)
    if "app_state" in json.loads(raw):
        return _with_stated(genesis, settings, preset or "default")
    if preset is not None:
        raise GenesisInconsistent("tracks", "this file says itself which tracks it has: leave the preset out")
    return genesis


def begin(root: Path, genesis: Genesis, settings_text: str, told: Told = untold) -> tuple[Home, Head]:
    """Make a home in a new or empty folder, whole or not at all; one that a crash left unfinished is begun anew.
    ``told`` hears how many of the accounts stand in the state.

    Raises HomeNotEmpty, GenesisRefused for a genesis that its bundle cannot hold, DiskFull, DiskError, StoreLocked
    when another process is beginning it.
    """
    _clear_unfinished(root)
    home = Home.create(root)
    try:
        with HomeLock(home.lock_file):
            begun = home.format_file.rename(root / _BEGUN)
            home.settings_file.write_text(settings_text, encoding="utf-8")
            home.genesis_file.write_bytes(genesis.canonical())
            Application.init_chain(home, genesis, told=told)
            LastSigned.create(home.last_signed_file)
            begun.rename(home.format_file)
            sync_directory(root)
    except BaseException:
        shutil.rmtree(root)
        raise
    return home, read_head(home.head_file)


def _clear_unfinished(root: Path) -> None:
    """Remove what a killed `begin` made: the folder was new or empty then, so all in it is of that attempt."""
    if not (root / _BEGUN).exists():
        return
    with HomeLock(Home(root).lock_file):
        for entry in root.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def settings_text(settings: Settings) -> str:
    """A home's settings file: every key with its default, and in force those of the chain that were stated here."""
    values: dict[str, int | Fraction | str] = {name: settings.parameters[name] for name in settings.stated}
    values |= settings.chain.model_dump(include=settings.chain.model_fields_set & {"name", "block_interval_ms"})

    def line(found: re.Match[str]) -> str:
        name = found["name"]
        return f"{name} = {as_toml(values[name])}{found['meaning']}" if name in values else found[0]

    return re.sub(r"^# (?P<name>\w+) = .*?(?P<meaning>  # .*)$", line, documentation(), flags=re.MULTILINE)


def _with_stated(genesis: Genesis, settings: Settings, preset: str) -> Genesis:
    chosen = PRESETS[preset]
    if preset == "cosmos" and genesis.rules:
        rows = {name: TrackRow(**rules) for name, rules in genesis.rules.items()}
        chosen = of_rules(rows["regular"], rows.get("expedited"))
    values: dict[str, int | Fraction] = {**genesis.parameters, **chosen.parameters}
    values |= {name: settings.parameters[name] for name in sorted(settings.stated)}
    tracks = {name: said(row) for name, row in chosen.tracks.items()}
    routes = {kind: tuple(names) for kind, names in chosen.routes.items()}
    return genesis.model_copy(update={"parameters": values, "tracks": tracks, "routes": routes})
