"""`tillwise rebuild`: the rollups from the facts."""

from __future__ import annotations

from typing import Annotated

import typer

from tillwise.client import Client
from tillwise.commands.shared import DEFAULT_DIR, AsJson, DataDir, show


def rebuild(
    store: Annotated[str, typer.Option(help="The store to rebuild.")],
    check: Annotated[bool, typer.Option("--check", help="Compare and change nothing; exit with 1 when something differs.")] = False,
    data_dir: DataDir = DEFAULT_DIR,
    as_json: AsJson = False,
) -> None:
    """Recompute everything derived from a store's facts, and tell what differed."""
    found = Client.of(data_dir).call("POST", "/api/v1/admin/rebuild", {"store": store, "check": check}, timeout=3700)
    rows = [f"  {d['table']}: {d['rows']} rows" for d in found["differences"]]
    verdict = "they differ from the facts:" if rows else "everything agrees with the facts."
    show(found, "\n".join([f"{found['orders']} orders read; {verdict}", *rows]), as_json)
    if rows and check:
        raise typer.Exit(1)
