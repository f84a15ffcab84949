"""`tillwise import`: a file of a shop's past into its store."""

from __future__ import annotations

import asyncio
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tillwise.imports.trouble import Trouble

if TYPE_CHECKING:
    from tillwise.imports.formats.base import Format
    from tillwise.imports.gateway import Address
    from tillwise.imports.reconciliation import Summary
    from tillwise.imports.run import Wanted

app = typer.Typer(no_args_is_help=True, help="Import orders or stock from a file (plain, gz, xz, zst, bz2, or - for standard input).")


class Compression(StrEnum):
    none = "none"
    gzip = "gzip"
    zstd = "zstd"


File = Annotated[str, typer.Argument(help="The file; - reads standard input.")]
Store = Annotated[str, typer.Option("--store", help="The store that the data belongs to.")]
FormatName = Annotated[str, typer.Option("--format", help="What kind of file it is; docs/import.md describes them.")]
MappingFile = Annotated[Path | None, typer.Option("--mapping", help="A TOML or JSON file that says which column is what.")]
Pairs = Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN or OPTION=VALUE, such as sku=Article or decimal=,")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the platform has counted everything, and compare its sales with the file's.")]
WaitSeconds = Annotated[float, typer.Option("--wait-seconds", min=0, help="How long --wait waits.")]
Rejects = Annotated[Path | None, typer.Option("--rejects", help="Write lines that were rejected to this CSV file: line, reason, detail.")]
Url = Annotated[str | None, typer.Option("--url", envvar="TILLWISE_URL", help="A gateway anywhere, instead of the one of --data-dir.")]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="TILLWISE_KEY", show_envvar=True, help="With --url: the key of the store (scopes ingest,read), or the admin's."),
]
Packing = Annotated[Compression, typer.Option("--compress", help="Pack what is sent, for a gateway far away.")]
InFlight = Annotated[int, typer.Option("--in-flight", min=1, max=16, help="How many batches are on their way at once.")]
DataDir = Annotated[Path, typer.Option("--data-dir", help="The folder of the platform that runs here.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the reconciliation as JSON.")]


@app.command()
def orders(
    file: File,
    store: Store,
    format_: FormatName = "csv",
    mapping: MappingFile = None,
    map_: Pairs = None,
    wait: Wait = False,
    wait_seconds: WaitSeconds = 600.0,
    rejects: Rejects = None,
    url: Url = None,
    key: Key = None,
    compress: Packing = Compression.none,
    in_flight: InFlight = 3,
    data_dir: DataDir = Path(".tillwise"),
    as_json: AsJson = False,
) -> None:
    """Import orders: online-retail, cdnow, or any CSV with one line per product of an order. Again adds nothing."""
    from tillwise.imports.formats import ORDERS

    chosen = _format(ORDERS, format_)
    _finish(_wanted(file, store, chosen, mapping, map_, _address(url, key, data_dir), compress), wait, wait_seconds, rejects, in_flight, as_json)


@app.command()
def stock(
    file: File,
    store: Store,
    format_: FormatName = "csv",
    mapping: MappingFile = None,
    map_: Pairs = None,
    wait: Wait = False,
    wait_seconds: WaitSeconds = 600.0,
    rejects: Rejects = None,
    url: Url = None,
    key: Key = None,
    compress: Packing = Compression.none,
    in_flight: InFlight = 3,
    data_dir: DataDir = Path(".tillwise"),
    as_json: AsJson = False,
) -> None:
    """Import stock movements and counts: a CSV with sku, quantity, reason, occurred_at, and location. Again adds nothing."""
    from tillwise.imports.formats import STOCK

    chosen = _format(STOCK, format_)
    wanted = _wanted(file, store, chosen, mapping, map_, _address(url, key, data_dir), compress)._replace(money=False)
    _finish(wanted, wait, wait_seconds, rejects, in_flight, as_json)


def _wanted(
    file: str, store: str, chosen: Format, mapping: Path | None, pairs: list[str] | None, address: Address, compress: Compression
) -> Wanted:
    from tillwise.imports.mapping import load
    from tillwise.imports.run import Wanted

    return Wanted(file, store, chosen, load(mapping, pairs or [], chosen.fields), address, compression=compress.value)


def _finish(wanted: Wanted, wait: bool, wait_seconds: float, rejects: Path | None, in_flight: int, as_json: bool) -> None:
    from tillwise.imports import reconciliation
    from tillwise.imports.run import run_import

    wanted = wanted._replace(wait=wait, wait_seconds=wait_seconds, rejects=rejects, in_flight=in_flight)
    summary = asyncio.run(run_import(wanted))
    if as_json:
        sys.stdout.write(json.dumps(reconciliation.as_json(summary)) + "\n")
    else:
        _print(summary)
    if summary.failed:
        raise typer.Exit(1)


def _print(summary: Summary) -> None:
    from rich.console import Console
    from rich.table import Table

    from tillwise.imports.reconciliation import table

    shown = Table(box=None, show_header=False, pad_edge=False)
    shown.add_column(no_wrap=True)
    shown.add_column(justify="right", no_wrap=True)
    shown.add_column(style="dim")
    for row in table(summary):
        shown.add_row(*row)
    Console(soft_wrap=not sys.stdout.isatty()).print(shown, markup=False)


def _format(formats: dict[str, Format], name: str) -> Format:
    if name not in formats:
        raise Trouble(f"There is no format '{name}'. There are: " + "; ".join(f"{one.name} ({one.about})" for one in formats.values()) + ".")
    return formats[name]


def _address(url: str | None, key: str | None, data_dir: Path) -> Address:
    from tillwise.imports.gateway import Address, local

    if url is None:
        return local(data_dir)
    if key is None:
        raise Trouble("--url needs --key (or TILLWISE_KEY): make one with tillwise key create --store NAME --scope ingest,read")
    return Address(url, key)
