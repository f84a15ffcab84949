"""What an adapter makes of a file: orders or stock events, and rows that it refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

# Of a name that the platform knows things by. Longer ones are refused: cut off, two of them could become one.
LONGEST_KEY = 128


@dataclass(frozen=True)
class Target:
    """The store that the file goes to, as far as an adapter has to know it."""

    zone: ZoneInfo
    exponent: int
    currency: str

    def minor(self, amount: Decimal) -> int:
        """An amount in minor units, halves away from zero."""
        scaled = amount.scaleb(self.exponent)
        rounded = int(scaled.copy_abs() + Decimal("0.5"))
        return -rounded if scaled < 0 else rounded


@dataclass
class Tally:
    """What was read so far. `file_total` is exact; `minor_total` is what the events say, in minor units."""

    rows: int = 0
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    file_total: Decimal = Decimal(0)
    minor_total: int = 0
    first_day: date | None = None
    last_day: date | None = None
    notes: Counter[str] = field(default_factory=Counter)

    def saw_day(self, day: date) -> None:
        if self.first_day is None or day < self.first_day:
            self.first_day = day
        if self.last_day is None or day > self.last_day:
            self.last_day = day


@dataclass
class Outgoing:
    """One event to be sent, and the rows of the file that it stands for."""

    event: dict[str, Any]
    rows: list[int]
    day: date
    minor: int
    exact: Decimal


class Refused(Exception):
    """A row that cannot be used; `code` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Rejects(Protocol):
    """Told of every refused row."""

    def __call__(self, row: int, code: str) -> None: ...


class Adapter(Protocol):
    """Turns the rows of a file into events. Every row ends in an event or in `reject`, once."""

    def events(self, lines: Iterator[str], target: Target, reject: Rejects) -> Iterator[Outgoing]: ...
