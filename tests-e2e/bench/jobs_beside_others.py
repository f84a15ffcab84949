"""Jobs of one worker process beside arq as it comes and BullMQ, on the same server, in turns."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import redis

from platform_of_bench import Bench, wait  # isort: skip

HERE = Path(__file__).parent / "jobs"
ROUNDS = 5
JOBS, JOBS_OF_ARQ, CALLS, CALLS_OF_ARQ = 20_000, 3000, 200, 20
MANY = 1_000_000


def measure(bench: Bench, folder: Path, results: Any, *, many: int = MANY) -> None:
    """Throughput, bulk enqueue and start latency; then the same with a million jobs waiting."""
    socket = bench.valkey.url.removeprefix("unix://")
    peers = {
        "ours": ([sys.executable, str(HERE / "ours.py"), bench.valkey.url], JOBS, CALLS),
        "arq": ([sys.executable, str(HERE / "plain_arq.py"), bench.valkey.url], JOBS_OF_ARQ, CALLS_OF_ARQ),
    }
    node = _bullmq(folder)
    if node is not None:
        peers["BullMQ"] = ([*node, socket], JOBS, CALLS)
    with bench.valkey_alone():
        rounds = [{who: _one(bench, *peer) for who, peer in peers.items()} for _ in range(ROUNDS)]
        _tell(rounds, results)
        _with_many(bench, peers["ours"], statistics.median(one["ours"]["rate"] for one in rounds), many, results)


def _one(bench: Bench, command: list[str], jobs: int, calls: int, *, clear: bool = True) -> dict[str, Any]:
    if clear:
        with redis.Redis.from_url(bench.valkey.url) as client:
            client.flushall()
    told = subprocess.run([*command, str(jobs), str(calls)], capture_output=True, text=True, check=True, timeout=600).stdout
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


def _tell(rounds: list[dict[str, dict[str, Any]]], results: Any) -> None:
    def middle(who: str, what: str) -> float:
        return statistics.median(one[who][what] for one in rounds)

    waits = sorted(wait for one in rounds for wait in one["ours"]["waits"])
    for who, bar in (("arq", ">= 8"), ("BullMQ", ">= 1.2")):
        if who in rounds[0]:
            what = "no-op jobs, one worker process, 100 at once"
            results.add(what, middle("ours", "rate"), "/s", beside=middle(who, "rate"), limit=who, bar=bar)
    for who, bar in (("arq", ""), ("BullMQ", ">= 1.5")):
        if who in rounds[0]:
            results.add("jobs added in bulk", middle("ours", "added"), "/s", beside=middle(who, "added"), limit=who, bar=bar)
    results.add("start of a job on an idle queue, p50", waits[len(waits) // 2], "ms", bar="<= 1.5")
    results.add("start of a job on an idle queue, p99", waits[int(len(waits) * 0.99)], "ms", bar="<= 10")
    for who in ("arq", "BullMQ"):
        if who in rounds[0]:
            theirs = sorted(wait for one in rounds for wait in one[who]["waits"])
            results.add(f"  the same with {who}, p50", theirs[len(theirs) // 2], "ms")


def _with_many(bench: Bench, ours: tuple[list[str], int, int], alone: float, many: int, results: Any) -> None:
    """The same jobs, first in line before so many others."""
    with redis.Redis.from_url(bench.valkey.url) as client:
        client.flushall()
    subprocess.run([sys.executable, str(HERE / "fill.py"), bench.valkey.url, str(many)], check=True, capture_output=True, timeout=900)
    with redis.Redis.from_url(bench.valkey.url) as client:
        # The server writes its log anew after so much; that is no part of it.
        wait(lambda: not client.info("persistence")["aof_rewrite_in_progress"], "the server's log", 120)
    command, jobs, _ = ours
    rate = statistics.median(_one(bench, command, jobs, 0, clear=False)["rate"] for _ in range(3))
    results.add(f"no-op jobs while {many:,} others wait", rate, "/s", beside=alone, limit="none waiting", bar="~ 1")


def _bullmq(folder: Path) -> list[str] | None:
    """How to run BullMQ, installed into a folder of the bench; None where that cannot be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("  BullMQ: skipped, Node.js is not here (Debian: apt-get install nodejs npm)")
        return None
    place = folder / "bullmq"
    place.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "bullmq.mjs"):
        shutil.copy(HERE / name, place / name)
    if not (place / "node_modules").exists():
        done = subprocess.run(["npm", "ci", "--omit=optional", "--no-audit", "--no-fund"], cwd=place, capture_output=True, text=True)
        if done.returncode:
            print(f"  BullMQ: skipped, npm could not install it: {done.stderr.strip().splitlines()[-1:]}")
            return None
    return ["node", str(place / "bullmq.mjs")]
