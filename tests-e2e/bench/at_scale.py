"""The parts of `make bench` that need a large shop: reports at scale, and settling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tillwise_common import logs

import beside_duckdb  # isort: skip
import reports_at_scale  # isort: skip
import settling  # isort: skip
import shops  # isort: skip
from platform_of_bench import Bench  # isort: skip

PARTS = {"reports-at-scale", "settling"}
# A copy, so that what is kept stays as it was made.
TO_CHANGE = "shop_to_change"


def run(wanted: set[str], folder: Path, sizes: list[int], times: int, results: Any) -> None:
    """Measure the wanted parts on shops of so many order lines, which stay in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    logs.configure("bench", "bench", "WARNING", "console")
    bench = Bench(folder.resolve())
    with bench.databases():
        urls = {lines: shops.ready(bench, lines) for lines in (sizes if "reports-at-scale" in wanted else sizes[:1])}
        if "reports-at-scale" in wanted:
            reports_at_scale.run(urls, times, results)
            beside_duckdb.compare(urls, folder, times, results)
        if "settling" in wanted:
            bench.drop(TO_CHANGE)
            settling.run(bench.database(TO_CHANGE, template=f"shop_{sizes[0]}"), sizes[0], results)
            bench.drop(TO_CHANGE)
