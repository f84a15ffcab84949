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
    parts = _BLOCK.split(files(package).joinpath(file).read_text("utf-8"))
    return SimpleNamespace(**{name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)})
