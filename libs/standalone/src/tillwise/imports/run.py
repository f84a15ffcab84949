"""One import from beginning to end: open, ask whose store, send, wait, reconcile."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from tillwise.imports.batches import batches
from tillwise.imports.files import Source
from tillwise.imports.formats.base import Format, Job
from tillwise.imports.gateway import Address, Gateway
from tillwise.imports.ledger import Ledger
from tillwise.imports.mapping import Mapping
from tillwise.imports.progress import Meter, meter
from tillwise.imports.reconciliation import Platform, Summary, compare, summarise
from tillwise.imports.sender import Compression, Reply, Sender, session
from tillwise.imports.trouble import Trouble

# As far as events may reach: to see what a store had before.
EVER = ("1970-01-01", "2199-12-31")


class Wanted(NamedTuple):
    """What the user asked for. `money` says whether the file holds sales, which can be reconciled."""

    file: str
    store: str
    format: Format
    mapping: Mapping
    address: Address
    money: bool = True
    wait: bool = False
    wait_seconds: float = 600.0
    rejects: Path | None = None
    in_flight: int = 3
    compression: Compression = "none"
    patience: float = 300.0
    progress: bool = True


async def run_import(wanted: Wanted) -> Summary:
    """Import a file. Raises Trouble when it cannot be read or the platform does not take it."""
    started = time.monotonic()
    with Source(wanted.file, wanted.mapping.encoding) as source, _rejects(wanted.rejects) as rejects:
        ledger = Ledger(rejects)
        with meter(source, ledger, wanted.progress) as shown:
            async with session() as http, Gateway(http, wanted.address).of_store(wanted.store) as (gateway, store):
                job = Job(source, store, wanted.mapping, ledger)
                before = await _all_sales(gateway) if wanted.wait and wanted.money else None
                sender = Sender(
                    http, gateway.url, gateway.key,
                    in_flight=wanted.in_flight, compression=wanted.compression, patience=wanted.patience,
                )  # fmt: skip
                await _send(sender, job, wanted, shown)
                platform = await _settle(gateway, job, wanted, before, shown) if wanted.wait else None
        summary = summarise(job, wanted.format.name, wanted.money, time.monotonic() - started)
        summary.platform = platform
        return summary


async def _send(sender: Sender, job: Job, wanted: Wanted, shown: Meter) -> None:
    def count(reply: Reply) -> None:
        job.ledger.sent(reply.batch.events, reply.refused)
        shown.update(f"importing ({sender.repeats} sent again)" if sender.repeats else "importing")

    await sender.send_all(batches(wanted.format.read(job)), count)


async def _settle(gateway: Gateway, job: Job, wanted: Wanted, before: dict[str, int] | None, shown: Meter) -> Platform | None:
    """Wait until all that was sent is counted, then ask what it came to."""
    shown.update("waiting until all is counted")
    await _until_counted(gateway, wanted.wait_seconds)
    books = summarise(job, wanted.format.name, wanted.money, 0)
    if books.net is None or books.span is None:
        return None
    total = sum((await gateway.net_sales(books.span.first, books.span.last)).values())
    after = await _all_sales(gateway) if before is not None else None
    return compare(books.net.accepted_minor, total, before, after)


async def _until_counted(gateway: Gateway, seconds: float) -> None:
    """Poll until nothing is pending; a platform that stumbles meanwhile is asked again. Raises Trouble at the deadline."""
    deadline, pause, left = time.monotonic() + seconds, 0.05, "all of it"
    while True:
        try:
            pending = await gateway.pending()
            if pending == 0:
                return
            left = f"{pending} messages"
        except Trouble as trouble:
            left = str(trouble)
        if time.monotonic() > deadline:
            raise Trouble(
                f"Everything was accepted, but not all of it was counted within {seconds:g} seconds (left: {left}). "
                "It goes on by itself; run the same import again to see the reconciliation."
            )
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 1.0)


async def _all_sales(gateway: Gateway) -> dict[str, int] | None:
    """The store's net sales of all time, by month; None when the platform does not say."""
    try:
        return await gateway.net_sales(*EVER)
    except Trouble:
        return None


@contextmanager
def _rejects(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise Trouble(f"{path} cannot be written: {error.strerror}") from None
    with contextlib.closing(file):
        yield file
