"""How far an export is, told to who waits for it, but not more often than somebody looks."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

EVERY_SECONDS = 0.5


class Progress:
    """Tells a job's progress as rows of so many."""

    def __init__(self, tell: Callable[[Any], Awaitable[None]], of: int) -> None:
        self._tell, self._of = tell, of
        self._told = 0.0

    async def __call__(self, rows: int) -> None:
        """Raises ClaimLost when the job is another worker's now."""
        now = time.monotonic()
        if now - self._told >= EVERY_SECONDS:
            self._told = now
            # Lines of texts that are broken count, too: never more than all.
            await self._tell({"rows": min(rows, self._of), "of": self._of})
