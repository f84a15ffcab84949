"""Which adapter reads which format, and how its file is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol, get_args

from tillwise_common.imports.columns import Fields, Wording
from tillwise_common.imports.files import open_lines
from tillwise_common.imports.formats import generic, stock
from tillwise_common.imports.formats.cdnow import Cdnow
from tillwise_common.imports.formats.generic import GenericCsv
from tillwise_common.imports.formats.online_retail import OnlineRetail
from tillwise_common.imports.formats.shopify import Shopify
from tillwise_common.imports.formats.stock import Stock
from tillwise_common.imports.formats.woocommerce import WooCommerce
from tillwise_common.imports.model import Adapter

Kind = Literal["orders", "stock"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Formats whose columns the user names, and those that are always the same.
MAPPED = ("csv", "xlsx")
FIXED: dict[str, type[Adapter]] = {
    "shopify": Shopify,
    "woocommerce": WooCommerce,
    "online-retail": OnlineRetail,
    "cdnow": Cdnow,
}
FORMATS: dict[Kind, tuple[str, ...]] = {"orders": (*MAPPED, *FIXED), "stock": MAPPED}


class HowFar(Protocol):
    """How much of a file has been read, in whatever it is measured; a size of 0: nobody knows."""

    size: int

    def done(self) -> int: ...


def fields_of(kind: Kind) -> Fields:
    """What a file of this kind has columns for."""
    return generic.FIELDS if kind == "orders" else stock.FIELDS


def adapter(kind: Kind, format_: str, wording: Wording) -> Adapter:
    """The adapter of one of FORMATS."""
    if format_ in FIXED:
        return FIXED[format_]()
    if format_ == "xlsx":
        # A sheet arrives as lines with this between its cells, whatever is in them.
        wording = replace(wording, delimiter=",")
    return GenericCsv(wording) if kind == "orders" else Stock(wording)


def opened(path: Path, format_: str, wording: Wording) -> AbstractContextManager[tuple[Iterator[str], HowFar]]:
    """The lines of a file, and how far they have come. Raises Unusable on entering."""
    if format_ == "xlsx":
        # Imported by those who need it: it takes a while.
        from tillwise_common.imports.xlsx import open_sheet

        return open_sheet(path, wording)
    return open_lines(path)
