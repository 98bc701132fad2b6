"""Options that several commands share, each with one meaning everywhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .exits import Exit

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

DEFAULT_HOME = Path("synod-home")

home_option: Decorator = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: os.environ.get("SYNOD_HOME", DEFAULT_HOME),
    show_default="$SYNOD_HOME, else ./synod-home",
    help="The node's folder.",
)
plain_option: Decorator = click.option(
    "--plain", is_flag=True, help="Keys without a password: for development chains only."
)
password_option: Decorator = click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Read the password from the first line of a file ('-' is stdin) and do not ask.",
)

until_option: Decorator = click.option(
    "--until", type=click.IntRange(0), default=0, show_default=True, metavar="HEIGHT",
    help="The last height at which it is stopped; 0 for as long as may be.",
)  # fmt: skip


class NewFile(click.Path):
    """A file that a command writes: nothing has that name yet, and the folder it goes to is there."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; a usage error when something would be overwritten."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.exists():
            self.fail(f"{path} exists already: choose another name, or remove it first", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"there is no folder {path.parent}", param, ctx)
        return path


class PasswordNeeded(Exception):
    """Nobody is there to type a password."""

    code = "password_needed"
    exit = Exit.USAGE

    def __init__(self) -> None:
        super().__init__("a password is needed and nobody can type it here: give --password-file, or --plain")


def password_from(path: Path | None, prompt: str, *, confirm: bool = False) -> str:
    """The password from a file, or typed twice where a new one is set; raises PasswordNeeded."""
    if path is not None:
        if str(path) == "-":
            return sys.stdin.readline().rstrip("\r\n")
        with path.open(encoding="utf-8") as file:
            return file.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise PasswordNeeded
    typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return typed
