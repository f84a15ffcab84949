"""SQL in .sql files: named, described blocks.

A block begins with `-- name: <name>`; the comment lines that follow say what it answers.
"""

from __future__ import annotations

import re
from importlib.resources import files
from types import SimpleNamespace

_BLOCK = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load(package: str, file: str) -> SimpleNamespace:
    """The blocks of `file` in `package` as attributes: `load("…intake", "store.sql").insert_events`."""
    return blocks(files(package).joinpath(file).read_text("utf-8"))


def blocks(text: str) -> SimpleNamespace:
    """The blocks of a .sql file's text as attributes."""
    parts = _BLOCK.split(text)
    return SimpleNamespace(**{name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)})
