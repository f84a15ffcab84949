"""The one error of an import that a person is meant to read."""

from __future__ import annotations

from tillwise.problems import Problem


class Trouble(Problem):
    """Why the import cannot go on, in one line that says what to do."""
