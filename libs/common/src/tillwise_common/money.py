"""Money: integer minor units of an ISO 4217 currency."""

from __future__ import annotations

from decimal import Decimal

# The currencies of ISO 4217 by their decimals: list one of the maintenance agency (SIX, currency-iso.org), published
# 2026-01-01, as in the package iso4217 1.16.20260101. Left out is what has no minor unit: metals, bonds, tests.
_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP "
        "COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR "
        "JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN "
        "NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL "
        "THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DECIMALS = {code: decimals for decimals, codes in _CODES.items() for code in codes.split()}


def flaw_of_currency(code: str) -> str | None:
    """What is wrong with a currency code, and what to write instead; None when there is such a currency."""
    if code in _DECIMALS:
        return None
    if code.strip().upper() in _DECIMALS:
        return f"write it in capitals: {code.strip().upper()}"
    return f"{code[:20]!r} is no currency of ISO 4217: write a code such as EUR"


def exponent(currency: str) -> int:
    """How many decimals an amount has: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _DECIMALS.get(currency, 2)


def format_mean(amount: float, currency: str) -> str:
    """A mean of amounts in minor units, in major units and with every digit it has: 2983.5 of EUR is "29.835"."""
    return format(Decimal(repr(amount)).scaleb(-exponent(currency)), "f")


def format_minor(amount: int, currency: str) -> str:
    """An amount in major units without its currency: 123450 of EUR is "1234.50". Exact, no float involved."""
    decimals = exponent(currency)
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"
