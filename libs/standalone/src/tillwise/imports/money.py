"""Amounts of files as integer minor units, exact: what is finer than a minor unit is kept until it is rounded in the open."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

# ISO 4217; every other currency has two decimals.
_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
         "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip
LARGEST_PRICE = 100_000_000_000
LARGEST_QUANTITY = 1_000_000
ZERO = Decimal(0)

# Minor units: an integer where the amount is one, else the exact decimal.
Minor = int | Decimal
Split = list[tuple[int, int]]


def exponent_of(currency: str) -> int:
    """How many decimals the currency's minor unit has."""
    return _EXPONENTS.get(currency, 2)


def amount_reader(exponent: int, decimal: str = ".") -> Callable[[str], Minor | None]:
    """A function from a text such as `2.55`, `1,234.50` or `-3 €` to minor units; None when it is no amount.

    Prices repeat, so what was read once is remembered.
    """
    thousands = "," if decimal == "." else "."
    number = re.compile(rf"([+-]?)(\d+|\d{{1,3}}(?:[{thousands}'\s]\d{{3}})+)?(?:\{decimal}(\d*))?(?:[eE]([+-]?\d{{1,2}}))?", re.ASCII)
    noise = re.compile(rf"[{thousands}'\s]")

    @lru_cache(maxsize=16_384)
    def read(text: str) -> Minor | None:
        match = number.fullmatch(text.strip().strip("€$£¥").strip()) if len(text) < 40 else None
        if match is None:
            return None
        sign, whole, fraction, power = match[1], match[2] or "", match[3] or "", match[4]
        if not whole and not fraction:
            return None
        exact = Decimal(f"{sign}{noise.sub('', whole) or 0}.{fraction or 0}").scaleb(exponent + int(power or 0))
        return int(exact) if exact == exact.to_integral_value() else exact

    return read


@lru_cache(maxsize=16_384)
def quantity_of(text: str) -> int | None:
    """A whole number of units (`6`, `-1`, `6.0`), or None."""
    text = text.strip()
    if not re.fullmatch(r"[+-]?\d{1,9}(?:[.,]0*)?", text, re.ASCII):
        return None
    quantity = int(re.split("[.,]", text)[0])
    return quantity if abs(quantity) <= LARGEST_QUANTITY else None


def rounded(exact: Minor) -> int:
    """The nearest minor unit, halves away from zero."""
    return exact if isinstance(exact, int) else int(exact.to_integral_value(ROUND_HALF_UP))


def magnitude(amount: Minor) -> Minor:
    """The amount without its sign."""
    return -amount if amount < 0 else amount


def less(worth: Minor, discount: Minor) -> Minor:
    """What is left of a line's worth after a discount; a return (below 0) gives back that much less."""
    off = magnitude(discount)
    return worth - off if worth > 0 else worth + off


def split(units: int, amount: int) -> Split:
    """`units` (above 0) at whole minor units each that add up to `amount` exactly: 3 for 1000 are 2 at 333 and 1 at 334."""
    each, dearer = divmod(amount, units)
    return [(count, price) for count, price in ((units - dearer, each), (dearer, each + 1)) if count]
