"""`tillwise import`: files through the public API, like any client's."""

from __future__ import annotations

import asyncio
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from tillwise.commands.shared import DEFAULT_DIR, AsJson, DataDir, show
from tillwise.problems import Problem, told

if TYPE_CHECKING:
    from tillwise.client import Client
    from tillwise.imports.running import Source
    from tillwise_common.imports.choosing import Kind

app = typer.Typer(no_args_is_help=True, help="Import files through the public API.")
VERDICTS = {
    True: "agrees",
    None: "cannot be compared: the store has other sales or refunds too",
    False: "DIFFERS from what was accepted",
}
HINT = "is it in this format? --format, --map and --mapping say what the file is, --rejects writes every refused line to a file"
DECIMAL_HINT = "--decimal says which decimal mark the file uses"
HINTS = {
    "bad_date": "--date-format says how dates are written, such as %d.%m.%Y",
    "currency_mismatch": "the file is in another currency than the store",
    **{f"bad_{name}": DECIMAL_HINT for name in ("price", "quantity", "amount", "discount", "unit_cost", "shipping", "tax")},
}


class Format(StrEnum):
    csv = "csv"
    xlsx = "xlsx"
    shopify = "shopify"
    woocommerce = "woocommerce"
    online_retail = "online-retail"
    cdnow = "cdnow"


MAPPED = (Format.csv, Format.xlsx)


File = Annotated[Path, typer.Argument(help="The file; .gz, .xz, .bz2 and .zst are unpacked on the way, - is standard input.")]
StoreName = Annotated[str | None, typer.Option("--store", help="The store that it goes to; with --url the key says it.")]
Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="A platform elsewhere, instead of the one in --data-dir.")]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="With --url: a key of the store; better in TILLWISE_KEY or a TILLWISE_KEY_FILE."),
]
MappingFile = Annotated[Path | None, typer.Option("--mapping", metavar="FILE", help="TOML or JSON that says how the file says things.")]
Map = Annotated[list[str] | None, typer.Option("--map", metavar="NAME=COLUMN", help="csv: which column is what; repeat it.")]
Decimals = Annotated[str | None, typer.Option("--decimal", help="csv: the decimal mark, '.' (default) or ','.")]
DateFormat = Annotated[str | None, typer.Option("--date-format", help="csv: how dates are written (strptime), default ISO 8601.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until everything is counted, and compare the totals.")]
RejectsFile = Annotated[Path | None, typer.Option("--rejects", help="Write refused rows and reasons to this CSV file.")]


@app.command()
def orders(
    file: File,
    store: StoreName = None,
    format_: Annotated[Format, typer.Option("--format", help="What kind of file it is.")] = Format.csv,
    mapping: MappingFile = None,
    map_: Map = None,
    decimal: Decimals = None,
    date_format: DateFormat = None,
    wait: Wait = False,
    rejects: RejectsFile = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = DEFAULT_DIR,
    as_json: AsJson = False,
) -> None:
    """Import order lines. A second run of the same file adds nothing."""
    if format_ not in MAPPED and (mapping or map_ or date_format or decimal):
        raise Problem(f"--mapping, --map, --decimal and --date-format belong to --format csv and xlsx, not {format_}")
    source = _source("orders", file, format_, _Said(mapping, map_, decimal, date_format))
    _run(Order(file, source, rejects, wait, as_json), store, url, key, data_dir)


@app.command()
def stock(
    file: File,
    store: StoreName = None,
    mapping: MappingFile = None,
    map_: Map = None,
    decimal: Decimals = None,
    date_format: DateFormat = None,
    wait: Wait = False,
    rejects: RejectsFile = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = DEFAULT_DIR,
    as_json: AsJson = False,
) -> None:
    """Import stock movements and counts: a CSV or workbook with sku, quantity, reason (or "count"), occurred_at, location, unit_cost."""
    source = _source("stock", file, Format.csv, _Said(mapping, map_, decimal, date_format))
    _run(Order(file, source, rejects, wait, as_json, compare=False), store, url, key, data_dir)


class Order(NamedTuple):
    """What is wanted: a file, how it is read, and what to do with it."""

    file: Path
    source: Source
    rejects: Path | None
    wait: bool
    as_json: bool
    compare: bool = True


class _Said(NamedTuple):
    """What the command line says about columns."""

    mapping: Path | None
    pairs: list[str] | None
    decimal: str | None
    date_format: str | None


def _source(kind: Kind, file: Path, format_: Format, said: _Said) -> Source:
    from tillwise.imports.running import Source
    from tillwise_common.imports.choosing import fields_of
    from tillwise_common.imports.columns import Wording
    from tillwise_common.imports.mapping import read_mapping, with_options

    if format_ is Format.csv and file.suffix.lower() == ".xlsx":
        format_ = Format.xlsx
    with told():
        wording = read_mapping(said.mapping, fields_of(kind)) if said.mapping else Wording()
        wording = with_options(wording, fields_of(kind), said.pairs or [], said.decimal, said.date_format)
    return Source(kind, str(format_), wording)


def _run(order: Order, store: str | None, url: str | None, key: str | None, data_dir: Path) -> None:
    from tillwise.imports.destination import elsewhere, here

    if str(order.file) != "-" and not order.file.is_file():
        raise Problem(f"there is no file {order.file}")
    if key and not url:
        raise Problem("--key belongs to --url: the platform of a data folder needs none")
    with elsewhere(url, key) if url else here(data_dir, store, f"import {order.file.name}") as client:
        summary = _import(client, order, store)
    show(summary, _table(summary), order.as_json)
    if summary["lines_read"] and not summary["lines_accepted"]:
        raise Problem(_useless(summary["lines_rejected"]))
    if summary["agrees"] is False:
        raise typer.Exit(1)


def _import(client: Client, order: Order, store: str | None) -> dict[str, Any]:
    """Send it, and the reconciliation. Raises Problem when the key opens another store than the one named."""
    from tillwise.imports.running import Import

    began = time.monotonic()
    work = Import(client, order.file, order.source, order.rejects)
    if store and store != work.store:
        raise Problem(f"the key opens the store {work.store!r}, not {store!r}: nothing was sent")
    compare = order.wait and order.compare
    before = work.total_ever() if compare else 0
    try:
        sender = asyncio.run(_with_progress(work, order.wait, show_bar=sys.stderr.isatty() and not order.as_json))
    except KeyboardInterrupt:
        sys.stderr.write(f"tillwise: stopped after {work.tally.rows:,} lines; run it again to go on: nothing is counted twice\n")
        raise
    platform = work.platform_total() if compare else None
    agrees = None if platform is None else work.agrees(before, platform)
    return work.summary(sender, platform, agrees, time.monotonic() - began)


def _useless(rejected: dict[str, int]) -> str:
    """Why a file gave nothing at all: the most frequent reason, and what to try."""
    reason = max(rejected, key=lambda code: rejected[code])
    return f"no line of the file could be used, most often because of {reason}: {HINTS.get(reason, HINT)}"


async def _with_progress(work: Any, wait: bool, show_bar: bool) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} lines"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not show_bar) as bar:
        task = bar.add_task("importing", total=None, rows=0)
        sender = await work.run(
            lambda progress, tally, _: bar.update(task, total=progress.size or None, completed=progress.done(), rows=tally.rows)
        )
        if wait:
            bar.update(task, description="counting ")
            await work.wait()
        return sender


def _table(summary: dict[str, Any]) -> str:
    currency = summary["currency"]
    rejected = summary["lines_rejected"]
    lines = [
        f"  lines read        {summary['lines_read']:>14,}",
        f"  accepted          {summary['lines_accepted']:>14,}",
        *[f"  rejected          {count:>14,}  {reason}" for reason, count in rejected.items()],
        f"  events            {summary['events_accepted']:>14,}  of {summary['events_sent']:,} sent",
        f"  total of the file {summary['file_net_total']:>14}  {currency}",
        f"  total accepted    {summary['accepted_net_total']:>14}  {currency}, rounding {summary['rounding']}",
    ]
    if summary["platform_net_total"] is not None:
        verdict = VERDICTS[summary["agrees"]]
        lines.append(f"  net sales there   {summary['platform_net_total']:>14}  {currency}, {verdict}")
    return "\n".join([*lines, f"  {summary['seconds']} s"])
