"""What is asked of an import: the parameters of its address, and the mapping that came with the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, get_args

from multidict import MultiMapping

from tillwise_common.imports.choosing import FORMATS, KINDS, MAPPED, Kind, fields_of
from tillwise_common.imports.columns import Wording
from tillwise_common.imports.mapping import mapping_in, with_options
from tillwise_common.imports.problems import Unusable
from tillwise_common.web.problems import Problem

KNOWN = frozenset({"kind", "format", "map", "decimal", "date_format", "delimiter", "preview", "store", "file_name"})
YES, NO = ("true", "1", "yes"), ("", "false", "0", "no")


class Asked(NamedTuple):
    """The parameters: what the file holds, in which format (None: as its name says), and whether to look only."""

    kind: Kind
    format: str | None
    preview: bool


def read(query: MultiMapping[str]) -> Asked:
    """Checked before any of the file is read. Raises Problem 422."""
    for name in query:
        if name not in KNOWN:
            raise refused(name[:80], f"is no parameter; there are {', '.join(sorted(KNOWN))}")
    found = query.get("kind", "orders")
    kind = next((one for one in get_args(Kind) if one == found), None)
    if kind is None:
        raise refused("kind", f"must be one of {', '.join(KINDS)}")
    format_ = query.get("format")
    if format_ is not None and format_ not in FORMATS[kind]:
        raise refused("format", f"must be one of {', '.join(FORMATS[kind])}")
    preview = query.get("preview", "").lower()
    if preview not in YES + NO:
        raise refused("preview", "must be true or false")
    return Asked(kind, format_, preview in YES)


def format_of(asked: Asked, name: str) -> str:
    """The format, as asked or as the file's name says. Raises Problem 422 when they cannot both be."""
    is_workbook = name.endswith(".xlsx")
    found = asked.format or ("xlsx" if is_workbook else "csv")
    if is_workbook != (found == "xlsx"):
        told = "a workbook is read with format=xlsx only" if is_workbook else "format=xlsx wants a workbook (.xlsx)"
        raise refused("format", told)
    return found


def wording(query: MultiMapping[str], kind: Kind, format_: str, mapping: str) -> Wording:
    """How the file says things: the mapping, and what the address says, which wins. Raises Problem 422."""
    pairs = query.getall("map", [])
    delimiter = query.get("delimiter")
    if format_ not in MAPPED:
        if mapping or pairs or any(name in query for name in ("decimal", "date_format", "delimiter")):
            raise refused("map", f"a mapping belongs to the formats {' and '.join(MAPPED)}")
        return Wording()
    if delimiter is not None and len(delimiter) != 1:
        raise refused("delimiter", "must be one character")
    try:
        said = mapping_in(mapping, Path("mapping"), fields_of(kind)) if mapping else Wording()
        found = with_options(said, fields_of(kind), pairs, query.get("decimal"), query.get("date_format"))
    except Unusable as unusable:
        raise refused("mapping", str(unusable)) from None
    return replace(found, delimiter=delimiter) if delimiter else found


def refused(parameter: str, detail: str) -> Problem:
    """The answer to what cannot be asked."""
    return Problem(422, "invalid_import", f"{parameter}: {detail}", errors=[{"parameter": parameter, "detail": detail}])
