"""The file of rejected lines: which, why, and how they were."""

from __future__ import annotations

import csv
from pathlib import Path

from tillwise_common.render.csv import defused

HEADER = ("line", "reason", "row")
# A file that fits nothing must not fill the disk with itself.
MOST_ROWS, MOST_CHARACTERS = 1_000_000, 500_000_000


class Rejects:
    """A CSV that is begun when there is something to tell."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows, self._characters = path, 0, 0
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerow(HEADER)

    def tell(self, line: int, reason: str, row: str) -> None:
        """Add a line; beyond what a person could read they are counted only."""
        self.rows += 1
        self._characters += len(row)
        if self.rows <= MOST_ROWS and self._characters <= MOST_CHARACTERS:
            self._writer.writerow((line, reason, defused(row)))

    def close(self) -> None:
        self._file.close()
