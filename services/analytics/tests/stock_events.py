"""Short ways to write events of stock in tests."""

from __future__ import annotations

from typing import Any


def moved(
    quantity: int, reason: str, at: str, location: str | None = "main", *, sku: str = "A", event: str | None = None, **data: Any
) -> dict[str, Any]:
    place = {} if location is None else {"location": location}
    return {
        "type": "stock.moved", "id": event or f"m-{sku}-{at}-{reason}-{quantity}-{location}", "occurred_at": at,
        "data": {"sku": sku, "quantity": quantity, "reason": reason, **place, **data},
    }  # fmt: skip


def receipt(quantity: int, at: str, unit_cost: int | None = 100, location: str | None = "main", **more: Any) -> dict[str, Any]:
    return moved(quantity, "receipt", at, location, **({} if unit_cost is None else {"unit_cost": unit_cost}), **more)


def sale(quantity: int, at: str, location: str | None = "main", **more: Any) -> dict[str, Any]:
    return moved(-quantity, "sale", at, location, **more)


def counted(quantity: int, at: str, location: str | None = "main", *, sku: str = "A", event: str | None = None) -> dict[str, Any]:
    place = {} if location is None else {"location": location}
    return {
        "type": "stock.counted", "id": event or f"k-{sku}-{at}-{location}", "occurred_at": at,
        "data": {"sku": sku, "quantity": quantity, **place},
    }  # fmt: skip
