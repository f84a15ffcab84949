"""Every report of the registry with default parameters, asked inside analytics, at two sizes of the same shop."""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any

from tillwise_analytics.calculator import Calculator
from tillwise_analytics.intake import writer
from tillwise_analytics.reports.answering import READING, ReportAnswerer
from tillwise_analytics.reports.registry import REPORTS
from tillwise_analytics.settling.registry import DOMAINS
from tillwise_analytics.settling.settler import Settler
from tillwise_common.bus import envelope
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, RunReport
from tillwise_common.postgres.pool import Postgres
from tillwise_common.service import calm_garbage_collection
from tillwise_common.settings import Secret

import shop_of_bench as shop  # isort: skip

BAR_MS, BAR_RATIO, BAR_MEMORY = 50, 1.5, 300
WARM_UP = 3


class Analytics:
    """The part of the analytics service that answers, on one database, at the moment at which the shop's data end."""

    def __init__(self, readers: Postgres, settlers: Postgres) -> None:
        self._calculator, self._ticks = Calculator(), count()
        self.settler = Settler(settlers)
        # A second later each time: no two questions are the same.
        self._answerer = ReportAnswerer(
            readers, self.settler, self._calculator, clock=lambda: shop.NOW + timedelta(seconds=next(self._ticks))
        )

    async def ask(self, report: str, **params: str) -> tuple[float, bytes]:
        """Milliseconds that an answer took, and the answer."""
        message = envelope.new("run", "bench", reports.encode(RunReport(store=shop.STORE, report=report, params=params)))
        began = time.perf_counter()
        reply = await self._answerer.answer(message)
        took = (time.perf_counter() - began) * 1000
        answer = reports.decode_reply(reply)
        if not isinstance(answer, Answer):
            raise RuntimeError(f"{report}: {answer}")
        return took, answer.body

    async def close(self) -> None:
        await self._calculator.close()


@asynccontextmanager
async def analytics(url: str) -> AsyncIterator[Analytics]:
    """Analytics on a database, with everything settled."""
    secret = Secret(url)
    options: dict[str, Any] = {"search_path": writer.SEARCH_PATH, "options": writer.OPTIONS, "prepare": writer.prepare_session}
    readers = Postgres(secret, "bench", options=READING)
    settlers = Postgres(secret, "bench-settling", size=2, statement_timeout=600, **options)
    await readers.start()
    await settlers.start()
    found = Analytics(readers, settlers)
    try:
        await found.settler.settle(shop.STORE.id, DOMAINS)
        yield found
    finally:
        await found.close()
        await settlers.close()
        await readers.close()


async def measure(urls: dict[int, str], times: int, results: Any) -> None:
    """`times` questions of each report at each size (order lines: database), which take turns."""
    opened = [analytics(url) for url in urls.values()]
    asked = [await one.__aenter__() for one in opened]
    try:
        for report in REPORTS:
            _tell(results, report, list(urls), await _rounds(asked, report, times))
    finally:
        for one in opened:
            await one.__aexit__(None, None, None)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    results.add("  memory of the process that answers, at most", used, "MB", bar=f"<= {BAR_MEMORY}")


async def _rounds(asked: list[Analytics], report: str, times: int) -> list[list[float]]:
    """Milliseconds of each question, by size. The first ones, which fill caches, do not count."""
    took: list[list[float]] = [[] for _ in asked]
    for number in range(WARM_UP + times):
        for one, found in zip(asked, took, strict=True):
            milliseconds, _ = await one.ask(report)
            if number >= WARM_UP:
                found.append(milliseconds)
    return took


def _tell(results: Any, report: str, sizes: list[int], took: list[list[float]]) -> None:
    middles = [statistics.median(found) for found in took]
    for size, found, middle in zip(sizes, took, middles, strict=True):
        results.add(f"{report}, {size:,} order lines, median", middle, "ms")
        results.add(f"{report}, {size:,} order lines, p95", percentile(found, 0.95), "ms", bar=f"<= {BAR_MS}")
    if len(sizes) > 1:
        what = f"{report}, medians, {sizes[-1]:,} lines / {sizes[0]:,} lines"
        results.add(what, middles[-1] / middles[0], "times", bar=f"<= {BAR_RATIO}")


def percentile(found: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return sorted(found)[min(int(len(found) * share), len(found) - 1)]


def run(urls: dict[int, str], times: int, results: Any) -> None:
    # As the service does.
    calm_garbage_collection()
    asyncio.run(measure(urls, times, results))
