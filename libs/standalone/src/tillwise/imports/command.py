"""`tillwise import`: files through the public API, like any client's."""

from __future__ import annotations

import asyncio
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tillwise.commands.shared import DEFAULT_DIR, AsJson, DataDir, show
from tillwise.problems import Problem

app = typer.Typer(no_args_is_help=True, help="Import files through the public API.")
KEY_SECONDS = 86_400.0
VERDICTS = {
    True: "agrees",
    None: "cannot be compared: the store has other sales or refunds too",
    False: "DIFFERS from what was accepted",
}
HINT = "is it in this format? --format and --map say what the file is, --rejects writes every refused line to a file"
HINTS = {
    "bad_date": "--date-format says how dates are written, such as %d.%m.%Y",
    "bad_price": "--decimal says which decimal mark the file uses",
    "bad_quantity": "--decimal says which decimal mark the file uses",
}


class Format(StrEnum):
    online_retail = "online-retail"
    cdnow = "cdnow"
    csv = "csv"


File = Annotated[Path, typer.Argument(help="The file; .gz, .xz, .bz2 and .zst are unpacked on the way, - is standard input.")]
StoreName = Annotated[str, typer.Option("--store", help="The store that it goes to.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until everything is counted, and compare the totals.")]
RejectsFile = Annotated[Path | None, typer.Option("--rejects", help="Write refused rows and reasons to this CSV file.")]


@app.command()
def orders(
    file: File,
    store: StoreName,
    format_: Annotated[Format, typer.Option("--format", help="What kind of file it is.")] = Format.csv,
    map_: Annotated[list[str] | None, typer.Option("--map", metavar="NAME=COLUMN", help="csv: which column is what; repeat it.")] = None,
    decimal: Annotated[str, typer.Option(help="csv: the decimal mark, '.' or ','.")] = ".",
    date_format: Annotated[str | None, typer.Option(help="csv: how dates are written (strptime), default ISO 8601.")] = None,
    wait: Wait = False,
    rejects: RejectsFile = None,
    data_dir: DataDir = DEFAULT_DIR,
    as_json: AsJson = False,
) -> None:
    """Import order lines. A second run of the same file adds nothing."""
    _run(file, store, _adapter(format_, map_ or [], decimal, date_format), wait, rejects, data_dir, as_json)


@app.command()
def stock(
    file: File, store: StoreName, wait: Wait = False, rejects: RejectsFile = None, data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False
) -> None:
    """Import stock movements and counts: a CSV with sku, quantity, reason (or "count"), occurred_at, location, unit_cost."""
    from tillwise.imports.formats.stock import Stock

    _run(file, store, Stock(), wait, rejects, data_dir, as_json, compare=False)


def _adapter(format_: Format, mapping: list[str], decimal: str, date_format: str | None) -> Any:
    from tillwise.imports.formats.cdnow import Cdnow
    from tillwise.imports.formats.generic import GenericCsv
    from tillwise.imports.formats.online_retail import OnlineRetail

    if format_ is not Format.csv and (mapping or date_format or decimal != "."):
        raise Problem(f"--map, --decimal and --date-format belong to --format csv, not {format_}")
    if format_ is Format.online_retail:
        return OnlineRetail()
    if format_ is Format.cdnow:
        return Cdnow()
    if decimal not in (".", ","):
        raise Problem("--decimal must be '.' or ','")
    pairs = [part.partition("=") for part in mapping]
    if wrong := [name for name, equals, column in pairs if not (name and equals and column)]:
        raise Problem(f"--map wants NAME=COLUMN, not {wrong[0]!r}")
    return GenericCsv({name: column for name, _, column in pairs}, decimal=decimal, date_format=date_format)


def _run(
    file: Path, store: str, adapter: Any, wait: bool, rejects: Path | None, data_dir: Path, as_json: bool, *, compare: bool = True
) -> None:
    from tillwise.client import Client
    from tillwise.imports.running import Import

    if str(file) != "-" and not file.is_file():
        raise Problem(f"there is no file {file}")
    admin = Client.of(data_dir)
    key = admin.add_key(store, ["ingest", "read"], name=f"import {file.name}"[:100], expires_in=KEY_SECONDS)
    try:
        began = time.monotonic()
        work = Import(Client(admin.url, key["key"]), file, adapter, rejects)
        before = work.total_ever() if wait and compare else 0
        try:
            sender = asyncio.run(_with_progress(work, wait, show_bar=sys.stderr.isatty() and not as_json))
        except KeyboardInterrupt:
            sys.stderr.write(f"tillwise: stopped after {work.tally.rows:,} lines; run it again to go on: nothing is counted twice\n")
            raise
        platform = work.platform_total() if wait and compare else None
        agrees = None if platform is None else work.agrees(before, platform)
        summary = work.summary(sender, platform, agrees, time.monotonic() - began)
    finally:
        admin.revoke_key(key["id"])
    show(summary, _table(summary), as_json)
    if summary["lines_read"] and not summary["lines_accepted"]:
        raise Problem(_useless(summary["lines_rejected"]))
    if summary["agrees"] is False:
        raise typer.Exit(1)


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
