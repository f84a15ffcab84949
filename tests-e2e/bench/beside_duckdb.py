"""Retention filtered by a channel, asked of Tillwise and of DuckDB, which scans the order lines for it.

DuckDB (MIT) is a peer and no part of Tillwise; requirements.lock beside this file holds it. It works in a process of its own, so
that its memory and threads are nobody else's: `python beside_duckdb.py FILE TIMES` prints milliseconds and the matrix as JSON.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tillwise_analytics.reports.registry import REPORTS

# As many weeks of each of the 158 cohorts as an answer may have cells.
CHANNEL, WEEKS = "web", 126
MISSING = "skipped, DuckDB is not here: .venv/bin/pip install --require-hashes -r tests-e2e/bench/requirements.lock"
# Of a customer's orders of the same moment the first is that of the lowest number, as it is with us.
EXPORT = """
select o.customer_id, o.placed_at + (dense_rank() over (partition by o.customer_id, o.placed_at order by o.order_id) - 1)
       * interval '1 microsecond', (o.placed_at at time zone 'Europe/Berlin')::date as day, o.channel, o.country, l.sku, l.quantity,
       l.unit_price, o.cancelled_at is not null as cancelled, o.is_sale as sold
from analytics.orders o
join analytics.event_lines l on l.store_id = o.store_id and l.event_id = o.event_id
"""
COLUMNS = (
    "{'customer': 'varchar', 'placed_at': 'timestamptz', 'day': 'date', 'channel': 'varchar', 'country': 'varchar', 'sku': 'varchar', "
    "'quantity': 'integer', 'unit_price': 'bigint', 'cancelled': 'boolean', 'sold': 'boolean'}"
)
# How many of the customers who ordered first in a week, on this channel, ordered in each week since.
MATRIX = f"""
with counted as (
    select customer, placed_at, day, channel from lines where customer is not null and sold and not cancelled
), first as (
    select customer, date_trunc('week', min(day)) as cohort, arg_min(channel, placed_at) as channel from counted group by customer
)
select f.cohort::date as cohort, date_diff('week', f.cohort, date_trunc('week', c.day)) as weeks, count(distinct c.customer) as customers
from counted c join first f using (customer)
where f.channel = '{CHANNEL}' and date_diff('week', f.cohort, date_trunc('week', c.day)) < {WEEKS}
group by all
order by all
"""


def compare(urls: dict[int, str], folder: Path, times: int, results: Any) -> None:
    """The same matrix at each size by both, and whether it is the same."""
    if "retention" not in REPORTS:
        return
    if find_spec("duckdb") is None:
        print(f"  retention beside DuckDB: {MISSING}", flush=True)
        return
    for size, url in urls.items():
        file = folder / f"lines_{size}.csv"
        try:
            asyncio.run(_export(url, file))
            theirs, matrix = _peer(file, times)
        finally:
            file.unlink(missing_ok=True)
        ours, own = asyncio.run(_ours(url, times))
        if own != matrix:
            differing = len(set(own.items()) ^ set(matrix.items()))
            print(f"  retention beside DuckDB: THE ANSWERS DIFFER in {differing} of {len(matrix)} cells", flush=True)
        what = f"retention by week, channel={CHANNEL}, {size:,} order lines"
        results.add(what, ours, "ms", beside=theirs, limit="DuckDB's scan", bar="<= 1")


async def _export(url: str, file: Path) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.copy_from_query(EXPORT, output=file, format="csv")
    finally:
        await connection.close()


def _peer(file: Path, times: int) -> tuple[float, dict[tuple[str, int], int]]:
    done = subprocess.run([sys.executable, __file__, str(file), str(times)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return found["ms"], {(cohort, weeks): customers for cohort, weeks, customers in found["matrix"]}


async def _ours(url: str, times: int) -> tuple[float, dict[tuple[str, int], int]]:
    import shop_of_bench as shop
    from reports_at_scale import WARM_UP, analytics

    asked = {"period": "week", "from": str(shop.FIRST), "to": str(shop.LAST), "periods": str(WEEKS), "channel": CHANNEL}
    took, body = [], b""
    async with analytics(url) as one:
        for _ in range(WARM_UP + times):
            milliseconds, body = await one.ask("retention", **asked)
            took.append(milliseconds)
    answer = json.loads(body)
    names = [column["name"] for column in answer["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in answer["rows"]]
    matrix = {(row["cohort"], row["offset"]): row["value"] for row in rows if row["cohort"] and row["value"]}
    return statistics.median(took[WARM_UP:]), matrix


def _scan(file: str, times: int) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"create table lines as select * from read_csv('{file}', header = false, columns = {COLUMNS})")
    took, rows = [], []
    for _ in range(1 + times):
        began = time.perf_counter()
        rows = connection.execute(MATRIX).fetchall()
        took.append((time.perf_counter() - began) * 1000)
    matrix = [[str(cohort), weeks, customers] for cohort, weeks, customers in rows]
    print(json.dumps({"ms": statistics.median(took[1:]), "matrix": matrix}))


if __name__ == "__main__":
    _scan(sys.argv[1], int(sys.argv[2]))
