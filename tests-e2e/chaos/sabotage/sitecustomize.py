"""Switches one promise off in every process that starts with this folder on its path, to show that the oracle notices.

Read by Python itself at the start of a process; nothing of the platform knows of it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from typing import Any


def _ack_first() -> None:
    """Acknowledge before handling, as a consumer without care would."""
    from tillwise_common.bus.consume import StreamConsumer

    handle = StreamConsumer._handle

    async def careless(self: Any, entries: Any) -> None:
        await self._ack([entry.id for entry in entries])
        await handle(self, entries)

    StreamConsumer._handle = careless  # type: ignore[method-assign]


def _no_dedupe() -> None:
    """Take an event that came before for news: its second id gets a tail."""
    from tillwise_analytics.intake.rows import Staged

    add_part, seen, count = Staged._add_part, set(), itertools.count()

    def forgetful(self: Any, store_id: int, part: Any) -> None:
        known, lines = len(self.events), len(self.lines)
        add_part(self, store_id, part)
        again = {row[:2] for row in self.events[known:]} & seen
        tail = f"~{os.getpid()}.{next(count)}"
        for rows, since in ((self.events, known), (self.lines, lines)):
            rows[since:] = [(row[0], row[1] + tail, *row[2:]) if row[:2] in again else row for row in rows[since:]]
        seen.update(row[:2] for row in self.events[known:])

    Staged._add_part = forgetful  # type: ignore[method-assign]


def _trim_by_length() -> None:
    """Trim the streams to nothing, whoever has read what: a longer rest loses something only when chance leaves as much unread."""
    from tillwise_common.bus import caretaker

    async def trim(redis: Any, stream: str) -> int:
        return int(await redis.xtrim(stream, maxlen=0, approximate=False))

    caretaker.trim = trim


_WAYS = {"ack-first": _ack_first, "no-dedupe": _no_dedupe, "trim-by-length": _trim_by_length}
if _way := os.environ.get("TILLWISE_SABOTAGE"):
    # A process of another kind has nothing to switch off.
    with contextlib.suppress(ImportError):
        _WAYS[_way]()
