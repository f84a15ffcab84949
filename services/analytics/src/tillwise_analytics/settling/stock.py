"""Settles products: their stock."""

from __future__ import annotations

from tillwise_analytics.settling.domain import Domain
from tillwise_analytics.stock.settle import settle_stock

STOCK = Domain(
    "stock",
    steps=(settle_stock,),
    at_once=100,
    tables=("stock_changes", "stock_skus", "stock_levels", "stock_layers", "stock_outs", "stock_days", "stock_place_days", "stock_weeks"),
)
