"""Records of a delimited file, each with the number of its line; what is no record is rejected, and costs its own line only."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator

from tillwise_common.imports.model import Refused, Rejects

DELIMITERS = ",;\t|"
# Bytes that are no UTF-8 arrive as these.
_UNDECODABLE = re.compile("[\udc80-\udcff]")
# Longer, and it is a quotation mark that nobody closed.
LONGEST_FIELD = 65_536


class Rows:
    """The records below the header, which is read at once. Raises Refused when there is none."""

    def __init__(self, lines: Iterator[str], reject: Rejects, delimiter: str = "") -> None:
        csv.field_size_limit(LONGEST_FIELD)
        self._lines, self._reject = lines, reject
        self._again: deque[str] = deque()
        # The lines of the record in hand, and whether one of them holds what is no text.
        self._taken: list[str] = []
        self._dirty = False
        self._number = 0
        first = next((line for line in self._feed() if line.strip()), "")
        self._delimiter = delimiter or max(DELIMITERS, key=first.count)
        if not first or self._dirty:
            raise Refused("bad_encoding" if first else "empty_file")
        self.header = next(csv.reader([first], delimiter=self._delimiter))

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        width, taken = len(self.header), self._taken
        while True:
            for start, row in self._records():
                if row is not None and len(row) == width and len(taken) == 1 and not self._dirty:
                    yield start, row
                elif row != [] and (mended := self._mend(start, row, width)):
                    yield start, mended
            if not self._again:
                return

    def _records(self) -> Iterator[tuple[int, list[str] | None]]:
        """Where a record starts and its cells: none of a blank line, None when it is no record."""
        reader = csv.reader(self._feed(), delimiter=self._delimiter)
        while True:
            self._taken.clear()
            self._dirty = False
            start = self._number + 1
            try:
                yield start, next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield start, None

    def _mend(self, start: int, row: list[str] | None, width: int) -> list[str] | None:
        """A record over several lines or with empty cells too many, or None when it had to be rejected."""
        if row is None or (len(self._taken) > 1 and not self._is_whole(width)):
            # A quotation mark that is not closed swallows the lines below it: give them back.
            self._again.extendleft(reversed(self._taken[1:]))
            self._number = start
            self._reject(start, "bad_quoting")
        elif self._dirty:
            self._reject(start, "bad_encoding")
        elif len(row) >= width and not any(row[width:]):
            return row[:width]
        else:
            self._reject(start, "too_many_columns" if len(row) >= width else "too_few_columns" if self._is_closed() else "bad_quoting")
        return None

    def _is_closed(self) -> bool:
        """Whether every quotation mark of the record has its other half."""
        try:
            next(csv.reader(self._taken, delimiter=self._delimiter, strict=True))
        except csv.Error:
            return False
        return True

    def _is_whole(self, width: int) -> bool:
        """Whether a record over several lines is meant to be one: its quotation marks are in order and its columns are all there."""
        try:
            return len(next(csv.reader(self._taken, delimiter=self._delimiter, strict=True))) == width
        except csv.Error:
            return False

    def _feed(self) -> Iterator[str]:
        while True:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                return
            self._number += 1
            self._taken.append(line)
            self._dirty = self._dirty or not is_text(line)
            yield line


def is_text(line: str) -> bool:
    """Whether a line could be decoded and holds no NUL, which no database takes in a text."""
    return "\0" not in line and (line.isascii() or not _UNDECODABLE.search(line))
