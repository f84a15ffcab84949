"""Consumer groups of a stream: made when missing, and what all of them have acknowledged is trimmed."""

from __future__ import annotations

from typing import Any

from redis.exceptions import ResponseError


async def ensure_group(redis: Any, stream: str, group: str) -> None:
    """Create a consumer group that reads from the beginning, and the stream, unless they exist."""
    try:
        await redis.xgroup_create(stream, group, id="0", mkstream=True)
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


async def trim(redis: Any, stream: str) -> int:
    """Drop what every group has acknowledged: entries below the oldest that some group still needs.

    Never by length, which could drop what nobody has read. A stream without groups is left alone.
    """
    needed: list[tuple[int, int]] = []
    for group in await redis.xinfo_groups(stream):
        oldest = (await redis.xpending(stream, group["name"]))["min"] if group["pending"] else group["last-delivered-id"]
        if oldest is None:
            # Acknowledged between the two questions: next time.
            return 0
        needed.append(_as_numbers(oldest))
    if not needed:
        return 0
    return int(await redis.xtrim(stream, minid="{}-{}".format(*min(needed)), approximate=True))


def _as_numbers(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition(b"-")
    return int(milliseconds), int(sequence or 0)
