"""Settles products: their stock."""

from __future__ import annotations

from tillwise_analytics.settling.domain import Domain
from tillwise_analytics.stock.settle import settle_stock

STOCK = Domain("stock", steps=(settle_stock,), at_once=100)
