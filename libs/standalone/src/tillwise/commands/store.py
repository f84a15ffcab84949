"""`tillwise store`: the shops."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import typer

from tillwise.client import Client
from tillwise.commands.shared import DEFAULT_DIR, AsJson, DataDir, show
from tillwise.problems import Problem

app = typer.Typer(no_args_is_help=True, help="Make and list stores.")


class WeekStart(StrEnum):
    monday = "monday"
    sunday = "sunday"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="A short name, such as my-shop.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code; all amounts of the store are in it.")],
    timezone: Annotated[str, typer.Option(help="IANA name; a day is a day there.")],
    week_start: Annotated[WeekStart, typer.Option(help="The first day of a week.")] = WeekStart.monday,
    data_dir: DataDir = DEFAULT_DIR,
    as_json: AsJson = False,
) -> None:
    """Make a store. Its currency, timezone and week stay as they are."""
    if not name.strip():
        raise Problem("the store needs a name, such as my-shop")
    if not re.fullmatch("[A-Z]{3}", currency):
        raise Problem(f"--currency wants an ISO 4217 code in capitals such as EUR, not {currency!r}")
    body = {"name": name, "currency": currency, "timezone": timezone, "week_start": week_start.value}
    store = Client.of(data_dir).call("POST", "/api/v1/admin/stores", body)
    show(store, f"made store {store['name']} ({store['currency']}, {store['timezone']})", as_json)


@app.command(name="list")
def list_(data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False) -> None:
    """List all stores."""
    found = Client.of(data_dir).call("GET", "/api/v1/admin/stores")
    show(found, "\n".join(f"{s['name']:<24} {s['currency']}  {s['timezone']}" for s in found["stores"]) or "no store yet", as_json)
