"""`make bench`: what Tillwise does beside what bounds it, measured in the same run.

Each figure is a median of several rounds; peer and product take turns, so that both see the same machine.
Figures are printed and, with --json FILE, written; nothing here fails on a slow machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform as machine
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

import at_scale  # isort: skip
import exports  # isort: skip
import jobs_beside_others  # isort: skip
import lifetime_value  # isort: skip
from tillwise.supervisor.options import free_port

from platform_of_bench import Bench, listens, memory_megabytes, processor_seconds, wait  # isort: skip

HERE = Path(__file__).parent
ROUNDS = 5
PARTS = ("accept", "reports", "commits", "jobs", "exports", "ltv", "reports-at-scale", "settling")
CHANNELS, COUNTRIES = ("web", "pos", "app"), ("DE", "AT", "CH", "FR")


class Results:
    """Lines of the table."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def add(self, what: str, value: float, unit: str, *, beside: float | None = None, limit: str = "", bar: str = "") -> None:
        ratio = round(value / beside, 3) if beside else None
        self.lines.append({"what": what, "value": round(value, 2), "unit": unit, "beside": beside, "ratio": ratio, "of": limit, "bar": bar})
        told = f"{ratio:.2f} of {limit} ({beside:,.0f})" if ratio is not None else ""
        print(f"  {what:<58} {value:>12,.1f} {unit:<9} {told:<44} {bar}", flush=True)


def orders(prefix: str, count: int, first: datetime, step: timedelta, dice: random.Random) -> list[bytes]:
    """Orders of one to three lines, as lines of NDJSON."""
    found = []
    for number in range(count):
        lines = ",".join(
            f'{{"sku":"SKU{dice.randrange(2000)}","quantity":{dice.randint(1, 4)},"unit_price":{dice.randint(100, 5000)}}}'
            for _ in range(dice.choice((1, 2, 3)))
        )
        about = f'"customer_id":"c{dice.randrange(50_000)}","channel":"{dice.choice(CHANNELS)}","country":"{dice.choice(COUNTRIES)}"'
        data = f'{{"order_id":"{prefix}-{number}",{about},"lines":[{lines}]}}'
        at = (first + step * number).isoformat()
        found.append(f'{{"type":"order.placed","id":"{prefix}-{number}","occurred_at":"{at}","data":{data}}}'.encode())
    return found


class Round(NamedTuple):
    """Requests per second, and per second of the processor that the server took for them."""

    rate: float
    work: float


def wrk(port: int, pid: int, key: str, seconds: int, connections: int = 64) -> Round:
    """Single orders against a server, as fast as it answers."""
    environment = {**os.environ, "KEY": key, "RUN": f"{time.monotonic_ns()}"}
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "single.lua"), f"http://127.0.0.1:{port}"]
    before = processor_seconds(pid)
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told:
        raise RuntimeError(told)
    count = float(next(line.split()[0] for line in told.splitlines() if " requests in " in line))
    rate = float(next(line.split()[1] for line in told.splitlines() if line.startswith("Requests/sec")))
    return Round(rate, count / (processor_seconds(pid) - before))


def single(bench: Bench, key: str, results: Results, seconds: int, gateway: int) -> None:
    """Single events through the complete gateway against a bare handler."""
    if shutil.which("wrk") is None:
        print("  single events: skipped, wrk is not here (Debian: apt-get install wrk)")
        return
    ports = {"ours": bench.port, "uvloop": free_port("127.0.0.1"), "asyncio": free_port("127.0.0.1")}
    bare = {loop: subprocess.Popen([sys.executable, str(HERE / "bare.py"), str(ports[loop]), loop]) for loop in ("uvloop", "asyncio")}
    servers = {who: (port, gateway if who == "ours" else bare[who].pid) for who, port in ports.items()}
    try:
        for port, pid in servers.values():
            wait(lambda port=port: listens(port), "a bare server")
            wrk(port, pid, key, 1)
        for connections in (64, 256):
            rounds = [{who: wrk(*server, key, seconds, connections) for who, server in servers.items()} for _ in range(ROUNDS)]
            compare(results, connections, rounds)
    finally:
        for process in bare.values():
            process.terminate()


def compare(results: Results, connections: int, rounds: list[dict[str, Round]]) -> None:
    """Ours against a bare handler: on the loop that we use too, which is the stricter peer and holds the bar, and on Python's own.

    What the processor did for it is steadier on a machine that does other things too.
    """
    for loop, bar in (("uvloop", ">= 0.55"), ("asyncio", "")):
        for what, figure in ((f"single-event POSTs, one gateway, {connections} connections", 0), ("  per second of its processor", 1)):
            limit = statistics.median(one[loop][figure] for one in rounds)
            ratio = statistics.median(one["ours"][figure] / one[loop][figure] for one in rounds)
            results.add(what, ratio * limit, "/s", beside=limit, limit=f"bare aiohttp on {loop}", bar="" if figure else bar)


async def send(url: str, key: str, bodies: list[bytes], at_once: int = 4) -> float:
    """Seconds that it takes until all bodies are accepted."""
    waiting = list(reversed(bodies))
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def work() -> None:
            while waiting:
                async with session.post(f"{url}/api/v1/events", data=waiting.pop()) as answer:
                    assert answer.status == 202, await answer.text()
                    await answer.read()

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(at_once)))
        return time.perf_counter() - began


def batches(bench: Bench, key: str, results: Results, gateway: int) -> None:
    """Batches of 500 through one gateway, with the consumer stopped."""
    now = datetime.now(UTC)
    lines = orders("batch", 40_000, now - timedelta(days=2), timedelta(seconds=2), random.Random(1))
    bodies = [b"\n".join(lines[n : n + 500]) for n in range(0, len(lines), 500)]
    rates = [len(lines) / asyncio.run(send(bench.url, key, bodies)) for _ in range(3)]
    results.add("events in batches of 500 accepted, one gateway", statistics.median(rates), "events/s", bar=">= 80,000")
    results.add("  memory of the gateway, at most", memory_megabytes(gateway), "MB", bar="<= 300")


def accepts(bench: Bench, results: Results, seconds: int) -> None:
    """What one gateway takes in; the consumer commits it afterwards, so that the next measurement starts from rest."""
    with bench.service("gateway", MAX_STREAM_LAG="100000000") as gateway:
        key = bench.store("bench")
        single(bench, key, results, seconds, gateway)
        batches(bench, key, results, gateway)
    with bench.service("analytics"), bench.service("gateway"):
        committed(bench, [key])


def refusals(bench: Bench, results: Results) -> None:
    """How fast a gateway refuses events that it must not accept."""
    with bench.service("gateway", MAX_STREAM_LAG="5"):
        key = bench.store(f"refused-{time.monotonic_ns()}")
        (line,) = orders("refused", 1, datetime.now(UTC), timedelta(0), random.Random(4))
        took = asyncio.run(refused(bench.url, key, line))
    results.add("events refused while overloaded (503), p99", took[int(len(took) * 0.99)], "ms", bar="< 50")
    with bench.service("analytics"), bench.service("gateway"):
        committed(bench, [key])


async def refused(url: str, key: str, body: bytes) -> list[float]:
    """Milliseconds of five hundred refusals, eight at once, sorted."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    took: list[float] = []
    async with aiohttp.ClientSession(headers=headers) as session:

        async def knock() -> None:
            while len(took) < 500:
                began = time.perf_counter()
                async with session.post(f"{url}/api/v1/events", data=body) as answer:
                    await answer.read()
                if answer.status == 503:
                    took.append((time.perf_counter() - began) * 1000)

        await asyncio.gather(*(knock() for _ in range(8)))
    return sorted(took)


def commits(bench: Bench, results: Results, count: int) -> None:
    """Orders committed with rollups by one analytics process: what lies on the streams is consumed against the clock."""
    for stores, label in ((1, "one store"), (4, "4 stores")):
        rate, memory = commit(bench, stores, count)
        results.add(f"orders committed with rollups, one analytics process, {label}", rate, "orders/s", bar=">= 15,000")
    results.add("  memory of analytics, at most", memory, "MB", bar="<= 300")


def rollup_work(bench: Bench, results: Results, count: int) -> None:
    """What the sums cost the intake: the same orders, committed in turns with them and as facts and state alone."""
    rounds = [(commit(bench, 1, count)[0], commit(bench, 1, count, PYTHONPATH=str(HERE / "facts_only"))[0]) for _ in range(3)]
    without = statistics.median(other for _, other in rounds)
    ratio = statistics.median(ours / other for ours, other in rounds)
    what = "orders committed with rollups, one store"
    results.add(what, ratio * without, "orders/s", beside=without, limit="without rollups", bar=">= 0.67")


def commit(bench: Bench, stores: int, count: int, **settings: str) -> tuple[float, float]:
    """Orders per second of an analytics process with these settings, and the most memory it held, in MB."""
    with bench.service("gateway", MAX_STREAM_LAG="100000000"):
        keys = [bench.store(f"commit-{stores}-{n}-{time.monotonic_ns()}") for n in range(stores)]
        dice = random.Random(2)
        for number, key in enumerate(keys):
            share = count // stores
            lines = orders(f"commit-{number}", share, datetime.now(UTC) - timedelta(days=3), timedelta(days=3) / share, dice)
            asyncio.run(send(bench.url, key, [b"\n".join(lines[n : n + 500]) for n in range(0, share, 500)]))
        began = time.perf_counter()
        with bench.service("analytics", **settings) as pid:
            committed(bench, keys)
            return count / (time.perf_counter() - began - STARTUP), memory_megabytes(pid)


STARTUP = 0.0


def committed(bench: Bench, keys: list[str]) -> None:
    """Wait until everything that these stores sent is committed."""
    wait(lambda: all(bench.call("GET", "/api/v1/ingest/status", key)["pending"] == 0 for key in keys), "all committed", 600)


def measure_startup(bench: Bench) -> float:
    """How long an analytics process takes until it is ready; taken off the commits' time."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        with bench.service("analytics"):
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def freshness(bench: Bench, results: Results) -> None:
    """From sending an event to seeing it in the trend, under light load."""
    key = bench.store(f"fresh-{time.monotonic_ns()}")
    path = "/api/v1/reports/trend?metric=orders&granularity=month"
    bench.call("GET", path, key)
    seen: list[float] = []
    for number in range(100):
        (line,) = orders(f"fresh-{number}", 1, datetime.now(UTC), timedelta(0), random.Random(number))
        began = time.perf_counter()
        bench.call("POST", "/api/v1/events", key, line)
        while bench.call("GET", path, key)["totals"]["value"] != number + 1:
            pass
        seen.append((time.perf_counter() - began) * 1000)
    seen.sort()
    results.add("event visible in the trend, p50", seen[50], "ms")
    results.add("event visible in the trend, p99", seen[98], "ms", bar="<= 250")


def trends(bench: Bench, results: Results, count: int) -> None:
    """A year of days, inside analytics, behind ever more orders."""
    for size in (count // 10, count):
        key = bench.store(f"trend-{size}-{time.monotonic_ns()}")
        lines = orders("year", size, datetime.now(UTC) - timedelta(days=364), timedelta(days=364) / size, random.Random(3))
        asyncio.run(send(bench.url, key, [b"\n".join(lines[n : n + 500]) for n in range(0, size, 500)]))
        committed(bench, [key])
        log = bench._folder / "analytics.log"
        start = log.stat().st_size
        to, first = datetime.now(UTC).date(), datetime.now(UTC).date() - timedelta(days=364)
        for number in range(200):
            # Another question each time, so that no ETag answers it.
            bench.call("GET", f"/api/v1/reports/trend?from={first}&to={to}&top={1 + number % 50}", key)
        time.sleep(0.2)
        with log.open() as file:
            file.seek(start)
            times = sorted(found["ms"] for line in file if (found := json.loads(line)).get("event") == "report")
        results.add(f"trend, a year of days behind {size:,} orders, p95 in analytics", times[int(len(times) * 0.95)], "ms", bar="< 20")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--orders", type=int, default=100_000, help="how many orders to commit")
    parser.add_argument("--seconds", type=int, default=3, help="how long a round of single events takes")
    parser.add_argument("--only", choices=PARTS, help="measure this part alone")
    parser.add_argument("--lines", type=_sizes, default=[1_000_000, 10_000_000], help="sizes of the shops of reports-at-scale: 1e6,1e7")
    parser.add_argument("--times", type=int, default=40, help="how often each report is asked at each size")
    parser.add_argument("--keep", type=Path, help="keep the shops of reports-at-scale in this folder for the next time")
    options = parser.parse_args()
    wanted = {options.only} if options.only else set(PARTS)
    print(f"{machine.platform()}, {os.cpu_count()} cores, Python {machine.python_version()}\n")
    results = Results()
    if "ltv" in wanted:
        lifetime_value.measure(results)
    if "jobs" in wanted:
        with tempfile.TemporaryDirectory(prefix="tillwise-bench-") as folder:
            jobs_beside_others.measure(Bench(Path(folder)), Path(".bench"), results)
    if {"accept", "reports", "commits"} & wanted:
        platform(results, wanted, options.orders, options.seconds)
    if "exports" in wanted:
        with tempfile.TemporaryDirectory(prefix="tillwise-bench-") as folder:
            exports.measure(Path(folder), results)
    if wanted & at_scale.PARTS:
        with tempfile.TemporaryDirectory(prefix="tillwise-bench-") as folder:
            at_scale.run(wanted, options.keep or Path(folder), options.lines, options.times, results)
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine.platform(), "python": machine.python_version(), "figures": results.lines}, indent=2)
        )


def platform(results: Results, wanted: set[str], count: int, seconds: int) -> None:
    """What is measured on a running platform."""
    global STARTUP
    with tempfile.TemporaryDirectory(prefix="tillwise-bench-") as folder:
        bench = Bench(Path(folder))
        with bench.servers():
            if "accept" in wanted:
                accepts(bench, results, seconds)
                refusals(bench, results)
            if "reports" in wanted:
                with bench.service("analytics"), bench.service("gateway"):
                    freshness(bench, results)
                    trends(bench, results, count)
            if "commits" in wanted:
                STARTUP = measure_startup(bench)
                commits(bench, results, count)
                rollup_work(bench, results, count // 2)


def _sizes(text: str) -> list[int]:
    return sorted(int(float(part)) for part in text.split(","))


if __name__ == "__main__":
    main()
