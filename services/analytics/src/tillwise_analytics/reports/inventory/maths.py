"""What the figures of a product's stock mean. No I/O."""

from __future__ import annotations

RUNS_OUT_DAYS = 14.0


def status(on_hand: int, per_day: float | None, cover: float | None) -> str:
    """What a shop owner wants to know of it first."""
    if on_hand < 0:
        return "below zero"
    if on_hand == 0:
        return "out of stock"
    if not per_day:
        return "not selling"
    return "runs out" if cover is not None and cover <= RUNS_OUT_DAYS else "in stock"


def ratio(part: float | None, whole: float | None) -> float | None:
    """part / whole; None where one of them is not known or the whole is nothing."""
    return part / whole if part is not None and whole else None
