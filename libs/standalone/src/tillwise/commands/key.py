"""`tillwise key`: API keys."""

from __future__ import annotations

from typing import Annotated

import typer

from tillwise.client import Client
from tillwise.commands.shared import DEFAULT_DIR, AsJson, DataDir, show
from tillwise.problems import Problem

SCOPES = ("ingest", "read", "export", "admin")
LONGEST_DAYS = 36_500
app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")


@app.command()
def create(
    store: Annotated[str, typer.Option(help="The store that the key opens.")],
    scope: Annotated[str, typer.Option(help=f"What it may do, comma separated: {', '.join(SCOPES)}.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    expires_in_days: Annotated[float | None, typer.Option(help="After how many days it ends; never by default.")] = None,
    data_dir: DataDir = DEFAULT_DIR,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown this once."""
    scopes = [part.strip() for part in scope.split(",") if part.strip()]
    unknown = [part for part in scopes if part not in SCOPES]
    if unknown or not scopes:
        raise Problem(f"unknown scope {', '.join(map(repr, unknown)) or repr(scope)}: choose from {', '.join(SCOPES)}")
    if expires_in_days is not None and not 0 < expires_in_days <= LONGEST_DAYS:
        raise Problem(f"--expires-in-days must be more than 0 and at most {LONGEST_DAYS}, not {expires_in_days}")
    seconds = None if expires_in_days is None else expires_in_days * 86400
    made = Client.of(data_dir).add_key(store, scopes, name=name, expires_in=seconds)
    show(made, made["key"], as_json)


@app.command(name="list")
def list_(data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False) -> None:
    """List all keys, without their secrets."""
    found = Client.of(data_dir).call("GET", "/api/v1/admin/keys")
    lines = [
        f"{k['id']:<14} {k['store'] or '(platform)':<20} {','.join(k['scopes']):<24} {'revoked' if k['revoked_at'] else ''} {k['name']}"
        for k in found["keys"]
    ]
    show(found, "\n".join(lines), as_json)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id of the key.")], data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False
) -> None:
    """End a key."""
    client = Client.of(data_dir)
    if key_id == client.key.split("_")[1]:
        raise Problem(f"{key_id} is the key that this command works with: make another admin key and use that, or stop the platform")
    client.revoke_key(key_id)
    show({"revoked": key_id}, f"revoked {key_id}", as_json)
