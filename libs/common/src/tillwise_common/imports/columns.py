"""Which column of a file is what: found by usual names, or named by the user; all that is wrong is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches

from tillwise_common.imports.amounts import amount
from tillwise_common.imports.model import Refused
from tillwise_common.imports.problems import Unusable


@dataclass(frozen=True)
class Wording:
    """How one file says things. `said` tells for a field where the user named its column, such as "my.toml line 4"."""

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    decimal: str = "."
    date_format: str | None = None
    delimiter: str = ""
    said: Mapping[str, str] = field(default_factory=dict)

    def where(self, name: str) -> str:
        return self.said.get(name) or f"--map {name}={self.columns[name]}"


@dataclass(frozen=True)
class Fields:
    """What a kind of file has columns for: our names, and what they are called elsewhere (`plain`)."""

    synonyms: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    # May be the same for all lines of a file, where it has no column for it.
    fixed: frozenset[str]
    # One of a pair is needed and one is read; the first, unless only the second was named.
    either: tuple[tuple[str, str], ...] = ()

    def unknown(self, name: str) -> str:
        """What to say about a field that there is not."""
        close = get_close_matches(name, self.synonyms, 1)
        return f"did you mean {close[0]}?" if close else f"choose from {', '.join(self.synonyms)}"

    def places(self, header: list[str], wording: Wording) -> dict[str, int]:
        """Where each field stands in a row. Raises Unusable with all that is missing."""
        cells = [cell.strip() for cell in header]
        places, problems = self._named(cells, wording)
        plain = [_plain(cell) for cell in cells]
        for name, synonyms in self.synonyms.items():
            if name not in wording.columns and (found := [plain.index(s) for s in synonyms if s in plain]):
                places[name] = found[0]
        for first, second in self.either:
            if first in wording.columns and second in wording.columns:
                problems.append(f"{first} and {second} both say what a line is worth ({wording.where(second)}): name one of them")
            if first in places and second in places:
                del places[first if second in wording.columns else second]
        missing = list(self._missing(places, wording))
        if missing:
            problems.append(f"no column for {', '.join(missing)}: name it with --map {missing[0].split()[0]}=COLUMN or in a --mapping file")
        if problems:
            raise Unusable(f"{'; '.join(problems)}; the file has {', '.join(cells)}")
        return places

    @staticmethod
    def _named(cells: list[str], wording: Wording) -> tuple[dict[str, int], list[str]]:
        places = {name: cells.index(column) for name, column in wording.columns.items() if column in cells}
        absent = {name: column for name, column in wording.columns.items() if column not in cells}
        return places, [f"the file has no column {column!r} ({wording.where(name)})" for name, column in absent.items()]

    def _missing(self, places: dict[str, int], wording: Wording) -> Iterator[str]:
        known = places.keys() | wording.values.keys() | wording.columns.keys()
        yield from (name for name in self.required if name not in known)
        yield from (f"{first} (or {second})" for first, second in self.either if not {first, second} & known)


def _plain(text: str) -> str:
    """A name without case, spaces and punctuation."""
    return "".join(c for c in text.lower() if c.isalnum())


def money(cells: Mapping[str, str], name: str, decimal: str, *, signed: bool = False) -> Decimal | None:
    """The amount in a cell, None where there is none. Raises Refused("bad_<name>")."""
    text = cells.get(name)
    if not text:
        return None
    try:
        found = amount(text, decimal)
    except Refused:
        raise Refused(f"bad_{name}") from None
    if found < 0 and not signed:
        raise Refused(f"bad_{name}")
    return found
