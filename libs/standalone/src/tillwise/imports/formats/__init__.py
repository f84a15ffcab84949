"""The formats that can be imported. A new one is a file beside these and one line here."""

from __future__ import annotations

from tillwise.imports.formats import cdnow, generic_orders, generic_stock, online_retail
from tillwise.imports.formats.base import Format

ORDERS: dict[str, Format] = {adapter.name: adapter for adapter in (generic_orders.FORMAT, online_retail.FORMAT, cdnow.FORMAT)}
STOCK: dict[str, Format] = {adapter.name: adapter for adapter in (generic_stock.FORMAT,)}
