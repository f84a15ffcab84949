"""The columns of a shop system's export, by the names that it gives them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from tillwise_common.imports.columns import money
from tillwise_common.imports.model import Refused, Target

EARLIEST, LATEST = 1970, 2199


class Columns:
    """Where each column of a header stands; what is not there is empty. Raises Refused when a needed one is missing."""

    def __init__(self, header: list[str], needed: Iterable[str]) -> None:
        self._places: dict[str, int] = {}
        for place, name in enumerate(header):
            self._places.setdefault(name.strip(), place)
        if any(name not in self._places for name in needed):
            raise Refused("wrong_header")

    def read(self, cells: list[str]) -> dict[str, str]:
        """The cells of a row by the name of their column."""
        return {name: cells[place].strip() for name, place in self._places.items()}


def moment(text: str, patterns: Iterable[str], target: Target) -> datetime:
    """A time that is written in one of these ways; without an offset it is the store's wall clock. Raises Refused."""
    for pattern in patterns:
        try:
            at = datetime.strptime(text, pattern)
        except ValueError:
            continue
        if EARLIEST <= at.year <= LATEST:
            return at if at.tzinfo else at.replace(tzinfo=target.zone)
    raise Refused("bad_date")


def paid(cells: dict[str, str], column: str, code: str) -> Decimal:
    """An amount, 0 where there is none. Raises Refused("bad_<code>")."""
    try:
        return money(cells, column, ".") or Decimal(0)
    except Refused:
        raise Refused(f"bad_{code}") from None
