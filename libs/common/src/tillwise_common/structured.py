"""structlog, imported without rich.

structlog imports rich wherever it is installed (the `tillwise` command needs it), to colour tracebacks that we render ourselves;
that takes a third of the time in which a command of ours starts, and some megabytes of every process.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def _hidden(package: str) -> Iterator[None]:
    """As if the package were not installed, unless somebody uses it already."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


with _hidden("rich"):
    import structlog
    from structlog.tracebacks import ExceptionDictTransformer

__all__ = ["ExceptionDictTransformer", "structlog"]
