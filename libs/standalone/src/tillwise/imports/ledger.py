"""The books of an import: every line that was read ends up accepted, or rejected for one reason."""

from __future__ import annotations

import csv
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TextIO

import msgspec

from tillwise.imports.money import ZERO, Minor


class Outgoing(msgspec.Struct):
    """An event on its way, with the lines of the file that it was made of and what they are worth, in minor units."""

    event: Any
    at: datetime
    lines: Sequence[int]
    minor: int = 0
    # What the file says beyond `minor`.
    rounding: Decimal = ZERO


class Ledger:
    """Counts lines, events and money. The reading thread rejects and so does the sending one, hence the lock."""

    def __init__(self, rejects: TextIO | None = None) -> None:
        self.lines_read = 0
        self.lines_accepted = 0
        self.lines_rejected: Counter[str] = Counter()
        self.events_sent = 0
        self.events_accepted = 0
        self.events_rejected: Counter[str] = Counter()
        # Orders whose lines lie so far apart in the file, or are so many, that they became several.
        self.orders_split = 0
        self.minor_accepted = 0
        self.rounding = ZERO
        self.minor_rejected = ZERO
        self.first: datetime | None = None
        self.last: datetime | None = None
        self._lock = threading.Lock()
        self._writer = csv.writer(rejects, lineterminator="\n") if rejects else None
        if self._writer:
            self._writer.writerow(["line", "reason", "detail"])

    def reject(self, line: int, reason: str, detail: str = "", minor: Minor = 0) -> None:
        """Count a line as rejected; `minor` is what it is worth where that can be read."""
        with self._lock:
            self.lines_rejected[reason] += 1
            self.minor_rejected += minor
            if self._writer:
                self._writer.writerow([line, reason, detail])

    def sent(self, events: Sequence[Outgoing], refused: dict[int, tuple[str, str]]) -> None:
        """Count what the platform said to a batch: `refused` has code and detail by the event's place in it."""
        self.events_sent += len(events)
        for index, outgoing in enumerate(events):
            if index in refused:
                self._refuse(outgoing, *refused[index])
            else:
                self._accept(outgoing)

    def _accept(self, outgoing: Outgoing) -> None:
        self.events_accepted += 1
        self.lines_accepted += len(outgoing.lines)
        self.minor_accepted += outgoing.minor
        self.rounding += outgoing.rounding
        self.first = outgoing.at if self.first is None else min(self.first, outgoing.at)
        self.last = outgoing.at if self.last is None else max(self.last, outgoing.at)

    def _refuse(self, outgoing: Outgoing, code: str, detail: str) -> None:
        self.events_rejected[code] += 1
        for line in outgoing.lines:
            self.reject(line, code, detail)
        with self._lock:
            self.minor_rejected += outgoing.minor + outgoing.rounding
