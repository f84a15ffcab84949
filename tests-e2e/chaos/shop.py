"""What the chaos client sends: orders and what becomes of them, late and out of order; and the book of what was acknowledged."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tillwise_common.contracts.stores import Store

FIRST_DAY = datetime(2026, 3, 16, tzinfo=UTC)
# Over a change of clocks (29 March) and of the month.
MINUTES = 28 * 24 * 60
ORDERS, CUSTOMERS, SKUS = 400, 60, 25


@dataclass
class Book:
    """Every event ever sent for one store, and which of them were answered 202."""

    store: Store
    key: str
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    bodies: list[list[dict[str, Any]]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.store.name


class Shop:
    """Makes events by chance; the same seed makes the same events."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._number = 0

    def events(self, count: int) -> list[dict[str, Any]]:
        return [self._event() for _ in range(count)]

    def _event(self) -> dict[str, Any]:
        dice, self._number = self._dice, self._number + 1
        kind = dice.choices(list(self._MAKERS), weights=[60, 14, 8, 6, 4, 6, 2])[0]
        at = FIRST_DAY + timedelta(minutes=dice.randrange(MINUTES))
        return {"type": kind, "id": f"e{self._number}", "occurred_at": at.isoformat(), "data": self._MAKERS[kind](self)}

    def _order_id(self) -> str:
        return f"o{self._dice.randrange(ORDERS)}"

    def _sku(self) -> str:
        return f"S{self._dice.randrange(SKUS)}"

    def _placed(self) -> dict[str, Any]:
        dice = self._dice
        lines = [self._line() for _ in range(dice.randint(1, 4))]
        about = {"channel": dice.choice(("web", "pos")), "country": dice.choice(("DE", "AT", "FR"))}
        if dice.random() < 0.8:
            about["customer_id"] = f"c{dice.randrange(CUSTOMERS)}"
        return {"order_id": self._order_id(), "lines": lines, **about}

    def _line(self) -> dict[str, Any]:
        dice = self._dice
        price, discount = dice.randrange(5000), dice.randrange(50)
        return {"sku": self._sku(), "quantity": dice.choice((1, 1, 2, 3, -1)), "unit_price": price, "discount": discount}

    def _refunded(self) -> dict[str, Any]:
        about = {"order_id": self._order_id(), "refund_id": f"r{self._dice.randrange(3)}"}
        if self._dice.random() < 0.5:
            return {**about, "amount": self._dice.randrange(3000)}
        return {**about, "lines": [{"sku": self._sku(), "quantity": 1, "amount": self._dice.randrange(3000)}]}

    def _cancelled(self) -> dict[str, Any]:
        return {"order_id": self._order_id()}

    def _product(self) -> dict[str, Any]:
        return {"sku": self._sku(), "name": "Thing", "category": self._dice.choice(("tea", "cups", "pots"))}

    def _customer(self) -> dict[str, Any]:
        return {"customer_id": f"c{self._dice.randrange(CUSTOMERS)}", "city": self._dice.choice(("Bonn", "Graz"))}

    def _moved(self) -> dict[str, Any]:
        quantity = self._dice.choice([*range(-5, 0), *range(1, 21)])
        return {"sku": self._sku(), "quantity": quantity, "reason": self._dice.choice(("receipt", "adjustment"))}

    def _counted(self) -> dict[str, Any]:
        return {"sku": self._sku(), "quantity": self._dice.randrange(100)}

    _MAKERS = {  # noqa: RUF012 - never changed
        "order.placed": _placed,
        "order.refunded": _refunded,
        "order.cancelled": _cancelled,
        "product.updated": _product,
        "customer.updated": _customer,
        "stock.moved": _moved,
        "stock.counted": _counted,
    }
