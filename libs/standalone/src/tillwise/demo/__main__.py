"""`TILLWISE_KEY=… python -m tillwise.demo URL`: fill the key's store with a year of data."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime

from tillwise.demo.shop import events
from tillwise.imports.sending import Sender
from tillwise.problems import Problem


async def seed(url: str, key: str) -> int:
    """Send a year of events that ends now; returns how many were accepted."""
    async with Sender(url, key) as sender:
        for event in events(datetime.now(UTC)):
            await sender.send(event)
        await sender.flush()
        if sender.rejected:
            raise Problem(f"demo events were refused: {dict(sender.rejected)}")
        return sender.accepted


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{asyncio.run(seed(sys.argv[1], os.environ['TILLWISE_KEY']))} events\n")
    except Problem as problem:
        sys.exit(str(problem))
