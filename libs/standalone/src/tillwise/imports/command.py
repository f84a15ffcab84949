"""`tillwise import`."""
from __future__ import annotations
import typer
app = typer.Typer(no_args_is_help=True, help="Import files through the public API.")

@app.callback()
def main() -> None:
    """Import files through the public API."""
