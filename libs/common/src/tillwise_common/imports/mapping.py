"""A mapping file (TOML or JSON): how a shop's files say things, once and for all; every mistake is told with its line."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tillwise_common.imports.columns import Fields, Wording
from tillwise_common.imports.problems import Unusable

DECIMALS = (".", ",")
OPTIONS = ("decimal", "date_format", "delimiter")
SECTIONS = ("columns", "values")


def read_mapping(path: Path, fields: Fields) -> Wording:
    """The mapping in `path`. Raises Unusable with all that is wrong in it, in one line."""
    return mapping_in(_text(path), path, fields)


def mapping_in(text: str, path: Path, fields: Fields) -> Wording:
    """The mapping that a text holds; `path` is what the text is called. Raises Unusable."""
    return _Reading(path, text, fields).wording(_parse(path, text))


def with_options(wording: Wording, fields: Fields, pairs: list[str], decimal: str | None, date_format: str | None) -> Wording:
    """`wording` with what was said on the command line, which wins. Raises Unusable."""
    split = [part.partition("=") for part in pairs]
    if wrong := [part for part, (name, _, column) in zip(pairs, split, strict=True) if not (name and column)]:
        raise Unusable(f"--map wants NAME=COLUMN, not {wrong[0]!r}")
    if unknown := [name for name, _, _ in split if name not in fields.synonyms]:
        raise Unusable(f"--map knows no column {', '.join(unknown)}: {fields.unknown(unknown[0])}")
    if decimal not in (None, *DECIMALS):
        raise Unusable("--decimal must be '.' or ','")
    named = {name: column for name, _, column in split}
    return Wording(
        {**wording.columns, **named}, wording.values, decimal or wording.decimal, date_format or wording.date_format, wording.delimiter,
        {name: where for name, where in wording.said.items() if name not in named},
    )  # fmt: skip


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"cannot read the mapping {path}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None


def _parse(path: Path, text: str) -> Any:
    # TOML never begins with a brace, and JSON with an object always does.
    is_json = text.lstrip().startswith("{") or path.suffix.lower() == ".json"
    try:
        return json.loads(text) if is_json else tomllib.loads(text)
    except json.JSONDecodeError as error:
        raise Unusable(f"{path} line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Unusable(f"{path} is not valid TOML: {error}") from None


class _Reading:
    """Gathers what is wrong while the parts are read."""

    def __init__(self, path: Path, text: str, fields: Fields) -> None:
        self._path, self._text, self._fields = path, text, fields
        self._problems: list[str] = []

    def wording(self, found: Any) -> Wording:
        if not isinstance(found, dict):
            raise Unusable(f"{self._path}: a mapping is an object with {', '.join((*SECTIONS, *OPTIONS))}")
        for key in found.keys() - {*SECTIONS, *OPTIONS}:
            self._wrong("", key, f"there is no such setting: choose from {', '.join((*SECTIONS, *OPTIONS))}")
        columns, values = self._section(found, "columns"), self._section(found, "values")
        for name in values.keys() - self._fields.fixed:
            self._wrong("values", name, f"cannot be the same for all lines: choose from {', '.join(sorted(self._fields.fixed))}")
        options = {name: self._option(name, found[name]) for name in OPTIONS if name in found}
        if self._problems:
            raise Unusable(f"{self._path}: {'; '.join(sorted(self._problems, key=_by_line))}")
        said = {name: self._where("columns", name, str(self._path)) for name in columns}
        return Wording(columns, values, options.get("decimal", "."), options.get("date_format"), options.get("delimiter", ""), said)

    def _section(self, found: dict[str, Any], section: str) -> dict[str, str]:
        pairs = found.get(section, {})
        if not isinstance(pairs, dict):
            self._wrong("", section, "must hold one line per field, such as sku = ...")
            return {}
        for name, text in pairs.items():
            if name not in self._fields.synonyms:
                self._wrong(section, name, f"there is no such field, {self._fields.unknown(name)}")
            elif not isinstance(text, str) or not text.strip():
                self._wrong(section, name, f"must be a text, not {_shown(text)}")
        return {name: text.strip() for name, text in pairs.items() if isinstance(text, str) and name in self._fields.synonyms}

    def _option(self, name: str, value: Any) -> str:
        allowed = {"decimal": value in DECIMALS, "delimiter": isinstance(value, str) and len(value) == 1, "date_format": _is_format(value)}
        wanted = {"decimal": "'.' or ','", "delimiter": "one character", "date_format": "a pattern such as %d.%m.%Y, as Python's strptime"}
        if not allowed[name]:
            self._wrong("", name, f"must be {wanted[name]}, not {_shown(value)}")
        return str(value)

    def _wrong(self, section: str, name: str, why: str) -> None:
        self._problems.append(f"{self._where(section, name)}{', ' if self._line(section, name) else ''}{_dotted(section, name)}: {why}")

    def _where(self, section: str, name: str, before: str = "") -> str:
        line = self._line(section, name)
        return f"{before} line {line}".strip() if line else before

    def _line(self, section: str, name: str) -> int | None:
        """The line that says it, as far as it can be found: parsers do not tell."""
        head = re.search(rf"\[\s*{section}\s*\]|(?<![\w.-])[\"']?{section}[\"']?\s*[=:]", self._text) if section else None
        begin = head.end() if head else 0
        found = re.compile(rf"(?<![\w-])[\"']?{re.escape(name)}[\"']?\s*[\]=:]").search(self._text, begin)
        return self._text.count("\n", 0, found.start()) + 1 if found else None


def _by_line(problem: str) -> int:
    found = re.match(r"line (\d+)", problem)
    return int(found[1]) if found else 0


def _dotted(section: str, name: str) -> str:
    return f"{section}.{name}" if section else name


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)[:60]


def _is_format(value: Any) -> bool:
    """Whether strptime can read a date with it."""
    if not isinstance(value, str) or "%" not in value:
        return False
    try:
        datetime.strptime(datetime(2024, 2, 29, 12, tzinfo=UTC).strftime(value), value)
    except ValueError:
        return False
    return True
