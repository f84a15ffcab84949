"""Moments, spans and JSON as people read them."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import msgspec
from markupsafe import Markup

MINUTE, HOUR, DAY = 60, 3600, 86_400


def when(moment: str | None) -> Markup:
    """A moment of the API, as far as it is away; the exact one is in the element."""
    if moment is None:
        return Markup("–")
    at = datetime.fromisoformat(moment)
    exact = at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment, exact, away(at.timestamp() - time.time()))


def clock(moment: str) -> Markup:
    """A moment to the millisecond."""
    at = datetime.fromisoformat(moment)
    text = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"
    return Markup('<time datetime="{}">{}</time>').format(moment, text)


def away(seconds: float) -> str:
    """How far something is away, such as "3 min ago" or "in 2 h"."""
    if abs(seconds) < 1:
        return "now"
    return f"in {span(round(seconds))}" if seconds > 0 else f"{span(round(-seconds))} ago"


def span(seconds: float | None) -> str:
    """How long something takes, in its largest unit."""
    if seconds is None:
        return "without end"
    for size, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s" if seconds >= 10 or float(seconds).is_integer() else f"{seconds:.1f} s"


def memory(count: int | None) -> str:
    """Bytes, in their largest unit."""
    size, units = float(count or 0), ["TiB", "GiB", "MiB", "KiB", "B"]
    unit = units.pop()
    while size >= 1024 and units:
        size, unit = size / 1024, units.pop()
    return f"{size:.0f} {unit}" if size >= 100 or unit == "B" else f"{size:.1f} {unit}"


def pretty(value: Any) -> str:
    """JSON, a field a line."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def share(progress: Any) -> float | None:
    """Progress that is a share of the whole; other progress is told as it is."""
    return float(progress) if isinstance(progress, int | float) and not isinstance(progress, bool) and 0 <= progress <= 1 else None
