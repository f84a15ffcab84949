"""What can be settled: a domain of keys (customers, products) whose derived tables are kept after the commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.settling", "settling.sql")
# A step brings some derived tables of a store up to date for the keys in tw_settling.
Step = Callable[[Any, int], Awaitable[None]]


class Settled(NamedTuple):
    """How many keys were settled, and the last one of them."""

    keys: int
    last: str


async def keep_statistics(connection: Any, tables: Sequence[str]) -> None:
    """Tell the planner how large these tables have become, when they have outgrown what it knows."""
    for row in await connection.fetch(SQL.outgrown, tables):
        await connection.execute(f"analyze {row['name']}")


@dataclass(frozen=True)
class Domain:
    """A domain: its name in `Report.needs`, its steps in order, how many keys are settled at once, and what they read that grows."""

    name: str
    steps: tuple[Step, ...]
    at_once: int
    tables: tuple[str, ...]

    async def waiting(self, connection: Any, store_id: int) -> bool:
        """Whether there is something to settle."""
        return bool(await connection.fetchval(getattr(SQL, f"{self.name}_waiting"), store_id))

    async def settle_some(self, connection: Any, store_id: int, after: str = "") -> Settled:
        """Settle the next keys after `after` inside a transaction that holds the store's lock.

        Who settles many times in a row goes on after the last key: what was settled leaves dead entries at the begin of the
        index, and to step over them again and again would cost the square of their number.
        """
        await keep_statistics(connection, self.tables)
        count, last = await connection.fetchrow(getattr(SQL, f"pick_{self.name}"), store_id, self.at_once, after)
        if count:
            for step in self.steps:
                await step(connection, store_id)
            await connection.execute(getattr(SQL, f"forget_{self.name}"), store_id)
            await connection.execute("delete from tw_settling")
        return Settled(count, last or "")
