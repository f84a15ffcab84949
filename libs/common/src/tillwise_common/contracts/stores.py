"""What every message says about the store it belongs to, so that no service has to ask another one."""

from __future__ import annotations

from typing import Literal

import msgspec


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """A shop. Its currency, timezone and first day of the week never change once it has events."""

    id: int
    name: str
    currency: str
    timezone: str
    week_start: Literal["monday", "sunday"] = "monday"
