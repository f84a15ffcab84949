"""How far an import is, on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tillwise.imports.files import Source
from tillwise.imports.ledger import Ledger


class Meter:
    """Shows the books of an import as they fill."""

    def __init__(self, progress: Progress, source: Source, ledger: Ledger) -> None:
        self._progress, self._source, self._ledger = progress, source, ledger
        self._task = progress.add_task("reading", total=source.size or None, counts="")

    def update(self, doing: str = "importing") -> None:
        """Show where we are."""
        counts = f"{self._ledger.lines_read:,} lines · {self._ledger.events_accepted:,} events"
        self._progress.update(self._task, completed=self._source.position(), description=doing, counts=counts)


@contextmanager
def meter(source: Source, ledger: Ledger, wanted: bool) -> Iterator[Meter]:
    """A progress bar on stderr while the import runs, when that is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counts]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not (wanted and sys.stderr.isatty())) as progress:
        yield Meter(progress, source, ledger)
