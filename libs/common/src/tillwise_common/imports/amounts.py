"""Amounts in files: exact, and quick for the usual ones."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from tillwise_common.imports.model import Refused

LARGEST = Decimal(1_000_000_000)
_SPACES = re.compile(r"[\s']")
# What separates thousands stands before exactly three digits: 1,50 is never 150.
_GROUPED = {
    ".": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII),
    ",": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?", re.ASCII),
}


@lru_cache(maxsize=65_536)
def amount(text: str, decimal: str = ".") -> Decimal:
    """An amount as it is written. Prices repeat, so most are read once. Raises Refused."""
    cleaned = _SPACES.sub("", text)
    thousands = "," if decimal == "." else "."
    if thousands in cleaned:
        if not _GROUPED[decimal].fullmatch(cleaned):
            raise Refused("bad_price")
        cleaned = cleaned.replace(thousands, "")
    cleaned = cleaned.replace(decimal, ".")
    try:
        found = Decimal(cleaned)
    except InvalidOperation:
        raise Refused("bad_price") from None
    if not found.is_finite() or abs(found) > LARGEST:
        raise Refused("bad_price")
    return found


@lru_cache(maxsize=4_096)
def quantity(text: str, decimal: str = ".", *, none: bool = False) -> int:
    """A whole number of pieces; "6.0" is 6. Only with `none` may it be 0. Raises Refused."""
    try:
        found = amount(text, decimal)
    except Refused:
        raise Refused("bad_quantity") from None
    if found != found.to_integral_value() or abs(found) > 1_000_000 or (not found and not none):
        raise Refused("bad_quantity")
    return int(found)
