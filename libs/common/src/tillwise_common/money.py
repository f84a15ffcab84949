"""Money: integer minor units of an ISO 4217 currency."""

from __future__ import annotations

from decimal import Decimal

# Currencies whose minor unit is not a hundredth (ISO 4217).
_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip


def exponent(currency: str) -> int:
    """How many decimals an amount has: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


def format_mean(amount: float, currency: str) -> str:
    """A mean of amounts in minor units, in major units and with every digit it has: 2983.5 of EUR is "29.835"."""
    return format(Decimal(repr(amount)).scaleb(-exponent(currency)), "f")


def format_minor(amount: int, currency: str) -> str:
    """An amount in major units without its currency: 123450 of EUR is "1234.50". Exact, no float involved."""
    decimals = exponent(currency)
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"
