"""Errors that a person at a terminal can do something about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tillwise_common.imports.problems import Unusable


class Problem(Exception):
    """`str()` is one clear line that says what to do; the command exits with 1."""


class CannotStart(Problem):
    """The platform cannot start here."""


class NotRunning(Problem):
    """No platform runs on this data folder."""


@contextmanager
def told() -> Iterator[None]:
    """Tell that a file or a mapping cannot be used as any other problem."""
    try:
        yield
    except Unusable as unusable:
        raise Problem(str(unusable)) from None
