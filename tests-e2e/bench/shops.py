"""Databases with shops to measure on, made once and kept as long as what they are made of is the same."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from pathlib import Path

import asyncpg

import tillwise_analytics
from tillwise_analytics.calculator import Calculator
from tillwise_analytics.reports.ltv.refit import refit
from tillwise_analytics.rollups.answering import SESSION

import shop_of_bench as shop  # isort: skip
from platform_of_bench import Bench  # isort: skip

MADE = "create table if not exists made (facts text, derived text)"


def ready(bench: Bench, lines: int) -> str:
    """The address of a database with a shop of so many lines; what is missing of it is made."""
    name = f"shop_{lines}"
    url = bench.database(name)
    facts, derived = asyncio.run(_made(url))
    if facts != _facts():
        print(f"  a shop of {lines:,} order lines is made:", flush=True)
        bench.drop(name)
        bench.database(name)
        bench.migrate(url)
        asyncio.run(shop.add_facts(url, lines, _tell))
        asyncio.run(_remember(url, facts=_facts()))
        derived = None
    if derived != _derived():
        print(f"  a shop of {lines:,} order lines is rolled up:", flush=True)
        bench.migrate(url)
        asyncio.run(shop.derive(url, _tell))
        asyncio.run(_fit(url))
        asyncio.run(_remember(url, derived=_derived()))
    return url


def _tell(line: str) -> None:
    print(line, flush=True)


async def _made(url: str) -> tuple[str | None, str | None]:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(MADE)
        row = await connection.fetchrow("select facts, derived from made")
        return (row["facts"], row["derived"]) if row else (None, None)
    finally:
        await connection.close()


async def _remember(url: str, **columns: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(MADE)
        if not await connection.fetchval("select count(*) from made"):
            await connection.execute("insert into made default values")
        for column, value in columns.items():
            await connection.execute(f"update made set {column} = $1", value)
    finally:
        await connection.close()


async def _fit(url: str) -> None:
    """What the nightly job does for lifetime values."""
    connection, calculator = await asyncpg.connect(url, server_settings=SESSION), Calculator()
    try:
        await refit(connection, shop.STORE.id, calculator, shop.NOW, 3600)
    finally:
        await calculator.close()
        await connection.close()


def _facts() -> str:
    """Changes with the shop that is made."""
    here = Path(__file__).parent
    return _digest([here / "shop_of_bench.py", here / "shop_of_bench.sql"])


def _derived() -> str:
    """Changes with everything that derives: all of analytics but its reports, of which only refits write."""
    home = Path(tillwise_analytics.__file__).parent
    found = sorted(path for path in home.rglob("*") if path.suffix in (".py", ".sql"))
    return _digest(path for path in found if "reports" not in path.parts or "ltv" in path.parts)


def _digest(paths: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]
