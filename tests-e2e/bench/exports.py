"""Exports beside what bounds them: CSV beside psql's \\copy of the same view, XLSX beside XlsxWriter writing the same rows.

Each side runs in a process of its own, in turns, so that both see the same machine and the memory told is that of one export.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import shop_of_bench
import xlsxwriter
from platform_of_bench import Bench

from tillwise_common.contracts.stores import Store
from tillwise_common.postgres.pool import Postgres
from tillwise_common.render.document import Document
from tillwise_common.settings import Secret
from tillwise_worker.exports.datasets import Period, Reader, reading

LINES, CELLS_ROWS, ROUNDS = 1_000_000, 100_000, 3
STORE = shop_of_bench.STORE
VIEW = "published.order_lines"
# Eight columns, of text, moments, counts and money.
EIGHT = "order_id, placed_at, sku, channel, quantity, unit_price, amount, cancelled"


def measure(folder: Path, results: Any) -> None:
    """Both, on a shop of a million lines."""
    bench = Bench(folder)
    with bench.databases():
        bench.migrate(bench.postgres.url)
        asyncio.run(fill(bench.postgres.url))
        csv_beside_psql(bench, folder, results)
        xlsx_beside_xlsxwriter(bench, folder, results)


async def fill(url: str) -> None:
    await shop_of_bench.add_facts(url, LINES, lambda _: None)
    connection = await asyncpg.connect(url)
    # As intake leaves it, without the rollups, which no data set of lines reads.
    await connection.execute(
        "insert into analytics.orders (store_id, order_id, event_id, version_at, placed_at, customer_id, channel, country, is_sale) "
        "select store_id, subject, event_id, occurred_at, occurred_at, customer_id, channel, country, true from analytics.events "
        "where type = 'order.placed' on conflict do nothing"
    )
    await connection.execute("vacuum analyze")
    await connection.close()


def csv_beside_psql(bench: Bench, folder: Path, results: Any) -> None:
    rates, peaks = [], []
    for _ in range(ROUNDS):
        psql = timed_psql(bench, folder / "psql.csv")
        ours = apart("csv", bench.postgres.url, folder / "ours.csv")
        # The shop is made to be about so large.
        assert abs(ours["rows"] - LINES) < LINES / 100, ours
        rates.append((ours["rows"] / ours["seconds"], ours["rows"] / psql))
        peaks.append(ours["megabytes"])
    beside = statistics.median(rate for _, rate in rates)
    ratio = statistics.median(ours / psql for ours, psql in rates)
    results.add("order lines as CSV, 1,000,000 rows", ratio * beside, "rows/s", beside=beside, limit="psql \\copy", bar=">= 0.5")
    results.add("  memory of the export, at most", max(peaks), "MB", bar="< 200")


def timed_psql(bench: Bench, path: Path) -> float:
    """Seconds that psql takes for the same rows, as the same role, without making them safe for spreadsheets."""
    command = f"\\copy (select * from {VIEW}) to '{path}' with (format csv, header)"
    session = ["-c", "set jit = off", "-c", "set role tillwise_exporter", "-c", f"set tillwise.store_id = '{STORE.id}'"]
    began = time.perf_counter()
    subprocess.run(["psql", bench.postgres.url, "-q", *session, "-c", command], check=True, capture_output=True)
    return time.perf_counter() - began


def xlsx_beside_xlsxwriter(bench: Bench, folder: Path, results: Any) -> None:
    rates, peaks = [], []
    for _ in range(ROUNDS):
        alone = apart("alone", bench.postgres.url, folder / "alone.xlsx")
        ours = apart("xlsx", bench.postgres.url, folder / "ours.xlsx")
        assert ours["rows"] == alone["rows"] == CELLS_ROWS
        rates.append((ours["seconds"], alone["seconds"]))
        peaks.append(ours["megabytes"])
    beside = statistics.median(alone for _, alone in rates)
    ratio = statistics.median(ours / alone for ours, alone in rates)
    results.add("order lines as XLSX, 100,000 x 8", ratio * beside, "s", beside=beside, limit="XlsxWriter alone", bar="<= 1.2")
    results.add("  memory of the export, at most", max(peaks), "MB", bar="< 200")


def apart(what: str, url: str, path: Path) -> dict[str, Any]:
    """One export in a process of its own: rows, seconds, and the most memory it held."""
    told = subprocess.run([sys.executable, __file__, what, url, str(path)], check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


async def csv(url: str, path: Path) -> int:
    async with opened(url) as reader:
        return await reader.to_csv("order_lines", Period(), path, _quiet)


async def xlsx(url: str, path: Path) -> int:
    about = Document(title="Order lines", store="bench", timezone="UTC", generated="", params=[], tables=[])
    async with opened(url) as reader:
        return await reader.to_xlsx(EIGHT_OF_LINES, Period(), path, _quiet, about)


async def alone(url: str, path: Path) -> int:
    """What a program with XlsxWriter does: the same rows, fetched before the clock starts, written cell by cell with formats."""
    async with opened(url) as reader:
        rows = await reader._connection.fetch(f"select {EIGHT} from {VIEW} limit {CELLS_ROWS}")
    global BEGAN
    BEGAN = time.perf_counter()
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet, money = book.add_worksheet(), book.add_format({"num_format": "#,##0.00"})
    count, moment = book.add_format({"num_format": "#,##0"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for place, name in enumerate(EIGHT.split(", ")):
        sheet.write_string(0, place, name)
    for number, (order, placed, sku, channel, quantity, price, amount, cancelled) in enumerate(rows, 1):
        sheet.write_string(number, 0, order)
        sheet.write_datetime(number, 1, placed, moment)
        sheet.write_string(number, 2, sku)
        sheet.write_string(number, 3, channel)
        sheet.write_number(number, 4, quantity, count)
        sheet.write_number(number, 5, price / 100, money)
        sheet.write_number(number, 6, amount / 100, money)
        sheet.write_boolean(number, 7, cancelled)
    book.close()
    return len(rows)


EIGHT_OF_LINES = "eight_of_lines"
BEGAN = 0.0


class opened:  # noqa: N801 - used like a function
    """A reader of the bench's store."""

    def __init__(self, url: str) -> None:
        self._postgres = Postgres(Secret(url), "bench", size=1)

    async def __aenter__(self) -> Reader:
        await self._postgres.start()
        self._reading = reading(self._postgres, Store(id=STORE.id, name="bench", currency="EUR", timezone=STORE.timezone))
        return await self._reading.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self._reading.__aexit__(*error)
        await self._postgres.close()


async def _quiet(_: int) -> None:
    """Nobody waits for the progress."""


def main() -> None:
    from tillwise_worker.exports import datasets

    what, url, path = sys.argv[1:]
    period = "where $1::date is null and $2::date is null"
    setattr(datasets.SQL, EIGHT_OF_LINES, f"select {EIGHT} from {VIEW} {period} limit {CELLS_ROWS}")
    global BEGAN
    BEGAN = time.perf_counter()
    rows = asyncio.run({"csv": csv, "xlsx": xlsx, "alone": alone}[what](url, Path(path)))
    seconds = time.perf_counter() - BEGAN
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "megabytes": peak}))


if __name__ == "__main__":
    main()
