"""Records of a delimited file, each with the number of its line; what is no record is rejected instead of raised."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator

from tillwise.imports.ledger import Ledger
from tillwise.imports.trouble import Trouble

_DELIMITERS = ",;\t|"
# Undecodable bytes arrive as these.
_UNDECODABLE = re.compile("[\udc80-\udcff]")
# Longer, and it is a quotation mark that nobody closed.
LONGEST_FIELD = 65_536

Record = tuple[int, list[str]]


class Rows:
    """The records below the header. `header` is read at once; iterating reads the rest and counts it in the ledger."""

    def __init__(self, lines: Iterator[str], ledger: Ledger, name: str, delimiter: str | None = None) -> None:
        csv.field_size_limit(LONGEST_FIELD)
        self._lines = lines
        self._ledger = ledger
        self._again: deque[str] = deque()
        # The physical lines of the record in hand, and whether one of them holds what is no text.
        self._taken: list[str] = []
        self._dirty = False
        self._number = 0
        first = next((line for line in self._feed() if line.strip()), None)
        if first is None:
            raise Trouble(f"{name} is empty.")
        self._delimiter = delimiter or max(_DELIMITERS, key=first.count)
        try:
            self.header = [cell.strip() for cell in next(csv.reader([first], delimiter=self._delimiter))]
        except (csv.Error, TypeError) as error:
            raise Trouble(f"{name}: the header cannot be read ({error}).") from None
        if self._dirty:
            raise Trouble(f"{name}: the header is not text in this encoding; say which with --map encoding=cp1252.")

    def __iter__(self) -> Iterator[Record]:
        width = len(self.header)
        while True:
            for start, row in self._records():
                if row is not None and len(row) == width and not self._dirty:
                    self._ledger.lines_read += 1
                    yield start, row
                elif row != [] and (mended := self._mend(start, row, width)):
                    yield start, mended
            if not self._again:
                return

    def _records(self) -> Iterator[tuple[int, list[str] | None]]:
        """Where a record starts and its cells: none of a blank line, None when it is no record."""
        reader = csv.reader(self._feed(), delimiter=self._delimiter)
        taken = self._taken
        while True:
            taken.clear()
            self._dirty = False
            start = self._number + 1
            try:
                yield start, next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield start, None

    def _mend(self, start: int, row: list[str] | None, width: int) -> list[str] | None:
        """A record with empty cells too many, or None when it had to be rejected."""
        self._ledger.lines_read += 1
        if row and len(row) > width and not any(row[width:]) and not self._dirty:
            return row[:width]
        if row is None or (len(self._taken) > 1 and len(row) != width):
            # A quotation mark that is not closed swallows the lines below it: give them back.
            self._again.extendleft(reversed(self._taken[1:]))
            self._number = start
            self._ledger.reject(start, "bad_quoting")
        elif self._dirty:
            self._ledger.reject(start, "bad_encoding")
        else:
            reason = "too_few_columns" if len(row) < width else "too_many_columns"
            self._ledger.reject(start, reason, f"{len(row)} instead of {width}")
        return None

    def _feed(self) -> Iterator[str]:
        again, lines, taken = self._again, self._lines, self._taken
        while True:
            line = again.popleft() if again else next(lines, None)
            if line is None:
                return
            self._number += 1
            taken.append(line)
            if "\0" in line or (not line.isascii() and _UNDECODABLE.search(line)):
                self._dirty = True
            yield line
