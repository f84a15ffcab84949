"""`tillwise dead`: messages that could not be stored."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from tillwise.client import Client
from tillwise.commands.shared import DEFAULT_DIR, AsJson, DataDir, show
from tillwise.problems import Problem

PATH = "/api/v1/admin/dead-letters"
app = typer.Typer(no_args_is_help=True, help="Look at messages that could not be stored; send them again after the fix, or discard them.")
Ids = Annotated[list[str] | None, typer.Argument(help="Which ones, by the id that `tillwise dead list` shows.")]
All = Annotated[bool, typer.Option("--all", help="All of them.")]


@app.command(name="list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, newest first.")] = 100,
    data_dir: DataDir = DEFAULT_DIR,
    as_json: AsJson = False,
) -> None:
    """List dead letters with the error of each."""
    found = Client.of(data_dir).call("GET", f"{PATH}?limit={limit}")
    lines = [
        f"{one['id']:<22} {one['at']}  store {one['store'] or '?'}  {one['bytes']} bytes  {one['error']}" for one in found["dead_letters"]
    ]
    if found["count"] > len(lines):
        lines.append(f"… and {found['count'] - len(lines)} more")
    show(found, "\n".join(lines) or "no dead letters", as_json)


def _line(letter: dict[str, Any]) -> str:
    return f"{letter['id']:<22} {letter['at']}  store {letter['store'] or '?'}  {letter['bytes']} bytes  {letter['error']}"


@app.command(name="show")
def show_(
    letter_id: Annotated[str, typer.Argument(help="The id of the letter.")], data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False
) -> None:
    """Show one dead letter with its message."""
    found = Client.of(data_dir).call("GET", f"{PATH}/{quote(letter_id, safe='')}")
    parts = found["message"].get("parts")
    bodies = [part["body"] for part in parts] if parts is not None else [str(found["message"])]
    about = [f"{name:<11} {value}" for name, value in found.items() if name != "message"]
    show(found, "\n".join([*about, "", *bodies]), as_json)


@app.command()
def replay(ids: Ids = None, every: All = False, data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False) -> None:
    """Send dead letters again. What was stored already is not counted twice."""
    _act("replay", "replayed", ids, every, data_dir, as_json)


@app.command()
def discard(ids: Ids = None, every: All = False, data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False) -> None:
    """Forget dead letters and their messages for good."""
    _act("discard", "discarded", ids, every, data_dir, as_json)


def _act(verb: str, done: str, ids: list[str] | None, every: bool, data_dir: Any, as_json: bool) -> None:
    if bool(ids) == every:
        raise Problem(f"say which: tillwise dead {verb} ID … or tillwise dead {verb} --all")
    body = {"all": True} if every else {"ids": ids}
    found = Client.of(data_dir).call("POST", f"{PATH}/{verb}", body, timeout=600)
    show(found, f"{done} {found[done]}", as_json)
    if found["unfit"]:
        raise Problem(f"{', '.join(found['unfit'])} cannot be sent again, there is no message in it: tillwise dead show says what is")
    if found["missing"]:
        raise Problem(f"there is no dead letter {', '.join(found['missing'])} (any more): tillwise dead list shows what there is")
