"""The `tillwise` command. One sub-command, one file in `commands/`."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from tillwise.commands import dead, doctor, key, rebuild, status, store, up
from tillwise.imports import command as imports
from tillwise.imports.destination import VARIABLE, without_key
from tillwise.problems import Problem

# What a library says of a value, and what we do.
IN_OUR_WORDS = [
    (re.compile(r"Input should be a valid integer, .*"), "it must be a whole number"),
    (re.compile(r"Input should be a valid number, .*"), "it must be a number"),
    (re.compile(r"Input should be greater than or equal to (\S+)"), r"it must be at least \1"),
    (re.compile(r"Input should be less than or equal to (\S+)"), r"it must be at most \1"),
    (re.compile(r"Value error, "), ""),
    (re.compile(r"is not one of '(.*)'$"), r"is none of those there are: '\1'"),
]

app = typer.Typer(
    name="tillwise", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Self-hosted commerce analytics: run the platform, make stores and keys, import data.",
)  # fmt: skip
app.command()(up.up)
app.command()(up.down)
app.command()(up.restart)
app.command()(status.status)
app.command()(doctor.doctor)
app.command()(rebuild.rebuild)
app.add_typer(store.app, name="store")
app.add_typer(key.app, name="key")
app.add_typer(dead.app, name="dead")
app.add_typer(imports.app, name="import")


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"tillwise {importlib.metadata.version('tillwise')}\n")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and leave.")] = False,
) -> None:
    """What holds for every command."""


def main() -> None:
    """Run the command; problems of the user's become one line and exit code 1."""
    # For all that we start: a file of the user's in the current folder (queue.py, random.py) must not shadow a module.
    os.environ["PYTHONSAFEPATH"] = "1"
    _hide_key()
    try:
        sys.exit(app(prog_name="tillwise", standalone_mode=False))
    except TyperException as error:
        if error.format_message():
            sys.stderr.write(_in_one_line(error) + "\n")
        sys.exit(error.exit_code)
    except Problem as problem:
        sys.exit(f"tillwise: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)


def _hide_key() -> None:
    """Begin again with the key of an import in the environment: arguments are shown to everybody on the machine (ps)."""
    found = without_key(sys.argv[1:])
    if found is not None:
        arguments, key = found
        before = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
        os.environ.pop(f"{VARIABLE}_FILE", None)
        os.environ[VARIABLE] = key
        os.execv(sys.executable, [sys.executable, *before, *arguments])  # noqa: S606 - ourselves


def _in_one_line(error: TyperException) -> str:
    """What is wrong with the arguments, without a box around it."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "tillwise"
    said = " ".join(error.format_message().split()).rstrip(".")
    for theirs, ours in IN_OUR_WORDS:
        said = theirs.sub(ours, said)
    return f"tillwise: {said}: {command} --help shows what it takes"
