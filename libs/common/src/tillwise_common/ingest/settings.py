"""What all who put events onto the streams need to know."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tillwise_common.settings import Count, Settings


class IngestSettings(Settings, frozen=True, kw_only=True):
    """Settings of the gateway and of the worker, which sends what imports say: the same for both."""

    # Above either, events are refused (and imports wait) until the consumers have caught up.
    max_stream_lag: Annotated[int, Meta(ge=1)] = 50_000
    max_redis_memory_share: Annotated[float, Meta(gt=0, le=1)] = 0.8
    # The limit where Redis has none of its own (maxmemory 0).
    max_redis_megabytes: Count = 1024
    # How many replicas of Redis must have an event on disk before it counts as accepted (WAITAOF), and how long to wait for them.
    wait_replicas: Annotated[int, Meta(ge=0, le=16)] = 0
    wait_replicas_milliseconds: Count = 1000
