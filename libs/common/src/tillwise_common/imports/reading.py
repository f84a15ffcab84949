"""A file read to its end: events out, and a tally in which every line is accepted or rejected once."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

from tillwise_common.contracts.imports import Import
from tillwise_common.contracts.stores import Store
from tillwise_common.imports import choosing
from tillwise_common.imports.model import Outgoing, Refused, Tally, Target
from tillwise_common.imports.problems import Unusable
from tillwise_common.imports.remembering import Remembering
from tillwise_common.money import exponent

# Told of a rejected line: its number, why, and the line as it was.
TellReject = Callable[[int, str, str], None]


def target_of(store: Store) -> Target:
    """The store as adapters know it."""
    return Target(ZoneInfo(store.timezone), exponent(store.currency), store.currency)


class Reading:
    """`with Reading(path, order, tell) as reading: for out in reading: …`"""

    def __init__(self, path: Path, order: Import, tell: TellReject, *, most_lines: int | None = None) -> None:
        """`most_lines`: read no further."""
        self._path, self._order, self._tell, self._most = path, order, tell, most_lines
        self.tally = Tally()
        self.target = target_of(order.store)
        self._stack = ExitStack()
        self._remembering = Remembering(iter(()))
        self.how_far: choosing.HowFar

    def __enter__(self) -> Reading:
        order = self._order
        lines, self.how_far = self._stack.enter_context(choosing.opened(self._path, order.format, order.wording))
        self._remembering = Remembering(lines if self._most is None else _first(lines, self._most))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[Outgoing]:
        """Raises Unusable for a file that is not what it should be."""
        order = self._order
        try:
            for out in choosing.adapter(order.kind, order.format, order.wording).events(iter(self._remembering), self.target, self.reject):
                self._count(out, 1)
                yield out
        except Refused as refused:
            raise Unusable(f"the file is not in the format {order.format} ({refused.code})") from None
        except csv.Error as error:
            raise Unusable(f"the file is not a CSV file: {error}") from None

    def reject(self, row: int, code: str) -> None:
        """Count a line that cannot be used."""
        self.tally.rows += 1
        self.tally.rejected[code] += 1
        self._tell(row, code, self.record(row))

    def refused(self, out: Outgoing, code: str, detail: str) -> None:
        """Count an event that the platform did not take after all: its lines are rejected."""
        self._count(out, -1)
        self.tally.rows += len(out.rows)
        self.tally.rejected[code] += len(out.rows)
        for row in out.rows:
            self._tell(row, f"{code}: {detail}", self.record(row))

    def record(self, row: int) -> str:
        """A line as it was."""
        return self._remembering.record(row)

    def _count(self, out: Outgoing, sign: int) -> None:
        tally = self.tally
        tally.rows += sign * len(out.rows)
        tally.accepted += sign * len(out.rows)
        tally.minor_total += sign * out.minor
        tally.file_total += sign * out.exact
        tally.saw_day(out.day)


def _first(lines: Iterator[str], most: int) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        yield line
        if number >= most:
            return
