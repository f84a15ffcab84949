"""Messages that could not be handled, kept with the reason."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

# Far above what anybody looks through; beyond it the oldest go.
KEPT = 100_000


async def write(redis: Any, letters: str, stream: str, entry_id: bytes, fields: Mapping[Any, Any], error: Exception, tries: int) -> None:
    """Keep the fields of an entry of `stream` on the stream `letters`, with the error and how often it was tried."""
    about = {
        "dead_entry": entry_id,
        "dead_stream": stream,
        "dead_error": f"{type(error).__name__}: {error}"[:500],
        "dead_tries": tries,
        "dead_at": time.time(),
    }
    await redis.xadd(letters, dict(fields) | about, maxlen=KEPT, approximate=True)
