"""The frame every command stands in: `--json`, help with examples, errors as exit codes.

A command is a click command of class `SynodCommand`; what it returns (an Answer, or None if it printed as it went) is
printed here. `run(command)` is the end of each file in this folder, so that `python -m scripts.NAME` is `synod NAME`.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

from .console import Answer, note
from .exits import Exit, described, exit_of, message_of

INTERRUPTED = 130
STOPPED = "what was sent by then may still take effect; look before you repeat it"
JSON = "synod.json"
"""Where a run keeps, in click's context, whether the answer shall be JSON."""


def _want_json(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        context.meta[JSON] = True


class SynodCommand(click.Command):
    """A command with `--json` and, under its options, the examples it was given."""

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = tuple(examples)
        self.params.append(
            click.Option(
                ["--json"],
                is_flag=True,
                expose_value=False,
                callback=_want_json,
                help="Print the answer as one JSON document.",
            )
        )

    def invoke(self, ctx: click.Context) -> int:
        """Run, print the answer, return the exit code."""
        answer = super().invoke(ctx)
        if not isinstance(answer, Answer):
            return int(Exit.PASSED)
        text = answer.as_json() if ctx.meta.get(JSON) else answer.text
        if text:
            click.echo(text)
        return int(answer.exit)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, as one would type them."""
        write_examples(formatter, self.examples)


class SynodGroup(click.Group):
    """A command with commands under it."""

    command_class = SynodCommand

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, as one would type them."""
        write_examples(formatter, self.examples)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    if examples:
        with formatter.section("Examples"):
            for example in examples:
                formatter.write(f"  {example}\n")


def command(name: str, *, examples: Sequence[str] = ()) -> Callable[[Callable[..., Any]], SynodCommand]:
    """Make a function a command; its docstring is the help."""

    def made(function: Callable[..., Any]) -> SynodCommand:
        return click.command(name, cls=SynodCommand, examples=examples)(function)

    return made


def group(name: str, *, examples: Sequence[str] = ()) -> Callable[[Callable[..., Any]], SynodGroup]:
    """Make a function a group of commands."""

    def made(function: Callable[..., Any]) -> SynodGroup:
        return click.group(name, cls=SynodGroup, examples=examples)(function)

    return made


def run(chosen: click.Command, arguments: Sequence[str] | None = None, name: str | None = None) -> NoReturn:
    """Run a command as this process and end it."""
    _open_streams()
    sys.exit(outcome(chosen, sys.argv[1:] if arguments is None else arguments, name or f"synod {chosen.name}"))


def _open_streams() -> None:
    """Open what was closed of the standard streams: otherwise the next file, a database's too, gets its number, and
    whatever prints writes into it."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")


def outcome(chosen: click.Command, arguments: Sequence[str], name: str) -> int:
    """Run a command and give its exit code; whatever it raises is said on stderr, or as JSON where that was asked."""
    colour = False if os.environ.get("CI") == "true" or "NO_COLOR" in os.environ else None
    try:
        return int(chosen.main(list(arguments), prog_name=name, standalone_mode=False, color=colour) or 0)
    except click.exceptions.Abort:
        note(f"interrupted: {STOPPED}")
        if "--json" in arguments:
            _print_error({"code": "interrupted", "message": STOPPED})
        return INTERRUPTED
    except click.ClickException as wrong:
        wrong.show()
        if "--json" in arguments:
            _print_error({"code": "usage", "message": wrong.format_message()})
        return int(Exit.USAGE)
    except Exception as error:
        return failed(error, as_json="--json" in arguments)


def failed(error: Exception, *, as_json: bool) -> int:
    """Say what went wrong and give the exit code; an error that nobody foresaw is shown whole."""
    known = exit_of(error)
    if known is None:
        traceback.print_exception(error)
        note("this is a defect of Synod: please report it with the lines above")
    if as_json:
        _print_error(described(error))
    elif known is not None:
        note(f"error: {message_of(error)}")
    return int(Exit.MACHINE if known is None else known)


def _print_error(error: dict[str, Any]) -> None:
    """An error as the answer; on stderr where the answer is what cannot be written."""
    try:
        click.echo(json.dumps({"error": error}, indent=2))
    except OSError:
        note(f"error: {error['message']}")
