"""Entries that were in the hands of a process when it died: one of them may be what killed it.

They are handled under watch. A note in Redis says how often each was begun since; it goes when the entry is done. A batch
whose entries carry notes of an earlier death is handled one by one, so that the killer stands alone, and an entry
that was begun `most` times and never done is given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tillwise_common.bus import names
from tillwise_common.bus.message import Entry

NOTES_KEPT_SECONDS = 86_400


class Suspects:
    """The notes on the entries of one stream."""

    def __init__(self, redis: Any, stream: str, most: int) -> None:
        self._redis = redis
        self._notes = names.suspects(stream)
        self._most = most
        self._watched: set[bytes] = set()

    async def begin(self, entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
        """Note that inherited `entries` are begun. Gives those to handle now and those to give up; the rest comes later."""
        ids = [entry.id for entry in entries]
        notes = [int(note or 0) for note in await self._redis.hmget(self._notes, ids)]
        given_up = [entry for entry, note in zip(entries, notes, strict=True) if note >= self._most]
        if given_up:
            return [], given_up
        now = list(entries[:1] if any(notes) else entries)
        pipeline = self._redis.pipeline(transaction=False)
        for entry in now:
            pipeline.hincrby(self._notes, entry.id, 1)
        # Notes that nobody came back for end by themselves.
        pipeline.expire(self._notes, NOTES_KEPT_SECONDS)
        await pipeline.execute()
        self._watched.update(entry.id for entry in now)
        return now, []

    async def clear(self, ids: Sequence[bytes]) -> None:
        """These entries killed nobody: they are done, or failed in a way that we saw."""
        if watched := self._watched.intersection(ids):
            await self._redis.hdel(self._notes, *watched)
            self._watched -= watched

    async def forget(self, ids: Sequence[bytes]) -> None:
        """These entries have left the stream."""
        await self._redis.hdel(self._notes, *ids)
