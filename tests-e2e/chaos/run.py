"""`make chaos`: break the platform at random, then prove that nothing was lost and nothing was counted twice.

    python tests-e2e/chaos/run.py [--seconds 300] [--seed N] [--runs 1]

The seed is printed; the same seed makes the same events and the same faults (when the operating system permits).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from client import Client
from faults import Faults
from oracle import SETTLE_SECONDS, Violation, check, describe, settled, surprises
from world import World

SENDERS = 6
SABOTAGED_SECONDS = 45.0


async def live(seconds: float, seed: int, sabotage: str, folder: Path) -> bool:
    """One run; whether every promise was kept."""
    print(f"chaos: seed {seed}, {seconds:.0f} s" + (f", sabotaged: {sabotage}" if sabotage else ""), flush=True)
    world = World(folder, sabotage)
    await world.start("--gateways", "2", "--analytics", "2", "--workers", "1")
    try:
        books = await world.make_stores()
        client = Client(world.url, books, seed)
        faults = Faults(world, client, seed)
        poisoned = await _chaos(client, faults, seconds, seed)
        # What a broken promise lost is not waited for as long.
        patience = SABOTAGED_SECONDS if sabotage else SETTLE_SECONDS
        print(f"  calm after {await settled(world, books, patience):.1f} s; {describe(client)}", flush=True)
        for line in await check(world, books, poisoned):
            print(f"  {line}", flush=True)
        return True
    except (Violation, TimeoutError) as error:
        print(f"  VIOLATION {error}\n  seed {seed}; logs in {world.data.logs}", flush=True)
        return False
    finally:
        for line in surprises(world):
            print(f"  {line}", flush=True)
        await world.stop()


async def _chaos(client: Client, faults: Faults, seconds: float, seed: int) -> int:
    sending = asyncio.create_task(client.run(SENDERS))
    end = time.monotonic() + seconds
    breakers = asyncio.gather(
        _break(faults.of_processes(), random.Random(f"{seed}p"), end, (0.5, 3.0)),
        _break(faults.of_the_network(), random.Random(f"{seed}n"), end, (2.0, 8.0)),
    )
    await asyncio.wait({sending, breakers}, return_when=asyncio.FIRST_COMPLETED)
    client.stop()
    await breakers
    await sending
    return faults.poisoned


async def _break(stories: Sequence[Callable[[], Awaitable[None]]], dice: random.Random, end: float, gaps: tuple[float, float]) -> None:
    """One fault after the other; each kind once before any comes again."""
    waiting: list[Callable[[], Awaitable[None]]] = []
    while time.monotonic() < end:
        await asyncio.sleep(dice.uniform(*gaps))
        waiting = waiting or dice.sample(list(stories), len(stories))
        story = waiting.pop()
        began = time.monotonic()
        await story()
        print(f"  {end - time.monotonic():6.1f} s left: {story.__name__} ({time.monotonic() - began:.1f} s)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300, help="how long to break things")
    parser.add_argument("--seed", type=int, default=None, help="repeat this run")
    parser.add_argument("--runs", type=int, default=1, help="how many runs, each with another seed")
    ways = ("ack-first", "no-dedupe", "trim-by-length")
    parser.add_argument("--sabotage", default="", choices=ways, help="switch a promise off: the run must fail")
    parser.add_argument("--keep", type=Path, help="a folder to keep logs and data in")
    options = parser.parse_args()
    first = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    kept = []
    for seed in range(first, first + options.runs):
        with tempfile.TemporaryDirectory(prefix="tillwise-chaos-") as folder:
            kept.append(asyncio.run(live(options.seconds, seed, options.sabotage, (options.keep or Path(folder)) / str(seed))))
    print(f"{sum(kept)} of {len(kept)} runs kept every promise")
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
