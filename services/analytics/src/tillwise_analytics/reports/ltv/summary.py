"""What is known of each customer, as arrays. No I/O."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
NUMBERS = 7


class Customers(NamedTuple):
    """Customers who bought until the day of the fit; days are counted from 1970-01-01, money is in minor units.

    `repeats`: days with a purchase after the first one; `spend`: what these brought; `sales`, `margin`: of all days; `later`: days
    with a purchase after the day of the fit. `ids` are as COPY writes them.
    """

    ids: list[bytes]
    first: Array
    last: Array
    repeats: Array
    spend: Array
    sales: Array
    margin: Array
    later: Array

    def ages(self, until: int) -> Array:
        """Days since the first purchase."""
        return until - self.first

    @property
    def recencies(self) -> Array:
        """Days from the first purchase to the last."""
        return self.last - self.first


def parse(copied: bytes) -> Customers:
    """What COPY wrote in its text format: seven whole numbers and the customer's id, one customer a line."""
    # COPY escapes line ends and tabs within an id.
    lines = [line.rsplit(b"\t", 1) for line in copied.split(b"\n")[:-1]]
    numbers = np.fromstring(b"\t".join(line[0] for line in lines).decode(), dtype=np.int64, sep="\t") if lines else np.zeros(0, np.int64)
    return Customers([line[1] for line in lines], *numbers.reshape(-1, NUMBERS).T.copy())


def unescape(copied: bytes) -> str:
    """An id as it is."""
    if b"\\" not in copied:
        return copied.decode()
    marks = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
    parts = iter(copied.decode())
    return "".join(marks.get(found := next(parts), found) if one == "\\" else one for one in parts)
