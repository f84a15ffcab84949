"""Options and output that all commands share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tillwise.problems import Problem


def _folder(text: str) -> Path:
    if not str(text).strip():
        raise Problem("--data-dir is empty: name a folder, or leave the option out for .tillwise")
    return Path(text)


DataDir = Annotated[Path, typer.Option("--data-dir", parser=_folder, metavar="DIR", help="The folder that holds everything of a platform.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
DEFAULT_DIR = Path(".tillwise")


def show(value: Any, text: str, as_json: bool) -> None:
    """Print `value` as JSON or `text` for people."""
    sys.stdout.write((json.dumps(value, default=str) if as_json else text) + "\n")
