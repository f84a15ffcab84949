"""Which column of a file is what: given by the user, else guessed from the header."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tillwise.imports.trouble import Trouble


class Fields(NamedTuple):
    """What may be in a file: the names that columns usually have, by field, and what has to be there (one of each group)."""

    synonyms: dict[str, tuple[str, ...]]
    required: tuple[tuple[str, ...], ...]


class Mapping(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How to read a file. `columns` says for a field the header of its column, or `=text` for the same text on every line."""

    columns: dict[str, str] = {}
    delimiter: str | None = None
    encoding: str = "utf-8"
    date_format: str | None = None
    timezone: str | None = None
    decimal: str = "."
    # How many decimals of the file's amounts make its minor units; the currency's when not given, 0 when they are minor units already.
    exponent: int | None = None


_OPTIONS = {field.name for field in msgspec.structs.fields(Mapping)} - {"columns"}
_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


def load(path: Path | None, pairs: Iterable[str], fields: Fields) -> Mapping:
    """The mapping from a TOML or JSON file and from `--map field=column` options, which win. Raises Trouble."""
    found: dict[str, Any] = _read(path) if path else {}
    columns = found.setdefault("columns", {})
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Trouble(f"--map {pair}: write it as FIELD=COLUMN or OPTION=VALUE, for example --map sku=Article.")
        (found if name in _OPTIONS else columns)[name] = value
    try:
        mapping = msgspec.convert(found, Mapping, strict=False)
    except msgspec.ValidationError as error:
        raise Trouble(f"The mapping is not valid: {error}. docs/import.md lists the options.") from None
    unknown = sorted(set(mapping.columns) - set(fields.synonyms))
    if unknown:
        raise Trouble(
            f"The mapping names unknown fields: {', '.join(unknown)}. There are: {', '.join([*fields.synonyms, *sorted(_OPTIONS)])}."
        )
    return _checked(mapping)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        found: Any = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Trouble(f"{path} is not a valid mapping: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("columns", {}), dict):
        raise Trouble(f"{path} is not a valid mapping: it needs a table [columns].")
    return found


def _checked(mapping: Mapping) -> Mapping:
    mapping.delimiter = _DELIMITERS.get(mapping.delimiter or "", mapping.delimiter)
    if mapping.delimiter is not None and len(mapping.delimiter) != 1:
        raise Trouble("delimiter must be one character, or tab, comma, semicolon or pipe.")
    if mapping.decimal not in (".", ","):
        raise Trouble("decimal must be . or ,")
    if mapping.exponent is not None and not 0 <= mapping.exponent <= 6:
        raise Trouble("exponent must lie between 0 and 6.")
    return mapping


class Columns(NamedTuple):
    """How to take the fields out of a record: `pick(record + constants)` gives them in the order asked for, absent ones as ''."""

    pick: Callable[[list[str]], tuple[str, ...]]
    constants: list[str]
    present: frozenset[str]


def resolve(header: list[str], wanted: tuple[str, ...], fields: Fields, mapping: Mapping, name: str) -> Columns:
    """Find every wanted field in the header. Raises Trouble listing what is missing."""
    places = {_plain(cell): index for index, cell in reversed(list(enumerate(header)))}
    constants = [""]
    indexes: dict[str, int] = {}
    for field in wanted:
        place = _place(field, fields, mapping, header, places, constants, name)
        if place is not None:
            indexes[field] = place
    missing = [" or ".join(group) for group in fields.required if not any(field in indexes for field in group)]
    if missing:
        raise Trouble(
            f"{name} has no column that is known to be: {', '.join(missing)}. Its columns are: {', '.join(header)}. "
            f"Say which is which with --map {missing[0].split(' ')[0]}=COLUMN (see docs/import.md)."
        )
    pick = itemgetter(*[indexes.get(field, len(header)) for field in wanted])
    return Columns(pick, constants, frozenset(indexes))


def _place(
    field: str, fields: Fields, mapping: Mapping, header: list[str], places: dict[str, int], constants: list[str], name: str
) -> int | None:
    asked = mapping.columns.get(field)
    if asked is None:
        return next((places[_plain(word)] for word in (field, *fields.synonyms[field]) if _plain(word) in places), None)
    if asked == "":
        # Switched off.
        return None
    if asked.startswith("="):
        constants.append(asked[1:])
        return len(header) + len(constants) - 1
    if asked in header:
        return header.index(asked)
    if _plain(asked) in places:
        return places[_plain(asked)]
    raise Trouble(f"The mapping wants {field} from the column '{asked}', which {name} does not have. Its columns are: {', '.join(header)}.")


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())
