"""What can be wrong with a file or a mapping as a whole."""

from __future__ import annotations


class Unusable(Exception):
    """`str()` is one clear line that says what to do."""
