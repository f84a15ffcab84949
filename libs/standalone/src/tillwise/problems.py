"""Errors that a person at a terminal can do something about."""

from __future__ import annotations


class Problem(Exception):
    """`str()` is one clear line that says what to do; the command exits with 1."""


class CannotStart(Problem):
    """The platform cannot start here."""


class NotRunning(Problem):
    """No platform runs on this data folder."""
