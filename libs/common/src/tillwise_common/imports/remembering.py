"""The lines of a file as they were, for a while, so that a rejected one can be shown."""

from __future__ import annotations

from collections.abc import Iterator

MOST_LINES, MOST_CHARACTERS = 20_000, 8_000_000
# A record over more lines than this is shown by its first.
LONGEST_RECORD = 100


class Remembering:
    """Hands on lines and keeps the last of them."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._kept: dict[int, str] = {}
        self._oldest, self._number, self._size = 1, 0, 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._number += 1
            self._kept[self._number] = line
            self._size += len(line)
            while self._size > MOST_CHARACTERS or len(self._kept) > MOST_LINES:
                self._size -= len(self._kept.pop(self._oldest))
                self._oldest += 1
            yield line

    def record(self, number: int) -> str:
        """The record that begins in this line; empty when that was too long ago."""
        first = text = self._kept.get(number, "")
        for following in range(number + 1, number + LONGEST_RECORD):
            if text.count('"') % 2 == 0:
                break
            text += self._kept.get(following, "")
        whole = text if text.count('"') % 2 == 0 else first
        # Bytes that were no text are shown as such.
        return whole.rstrip("\r\n").encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
