"""Short ways to write events in tests."""

from __future__ import annotations

from typing import Any


def placed(order: str, at: str, *lines: dict[str, Any], event: str | None = None, **data: Any) -> dict[str, Any]:
    lines = lines or (line("A"),)
    return {
        "type": "order.placed",
        "id": event or f"p-{order}",
        "occurred_at": at,
        "data": {"order_id": order, "lines": list(lines), **data},
    }


def line(sku: str, quantity: int = 1, unit_price: int = 1000, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity, "unit_price": unit_price, **more}


def refunded(order: str, refund: str, at: str, *, event: str | None = None, **data: Any) -> dict[str, Any]:
    return {
        "type": "order.refunded", "id": event or f"r-{refund}", "occurred_at": at,
        "data": {"order_id": order, "refund_id": refund, **data},
    }  # fmt: skip


def cancelled(order: str, at: str) -> dict[str, Any]:
    return {"type": "order.cancelled", "id": f"c-{order}", "occurred_at": at, "data": {"order_id": order}}


def product(sku: str, at: str, *, event: str | None = None, **data: Any) -> dict[str, Any]:
    return {"type": "product.updated", "id": event or f"d-{sku}-{at}", "occurred_at": at, "data": {"sku": sku, **data}}
