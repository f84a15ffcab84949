"""Which part of a file is asked for (RFC 9110), so that a download that broke off goes on where it was."""

from __future__ import annotations

import re
from typing import NamedTuple

_ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Part(NamedTuple):
    """From `begin` to before `end`; `whole` when nothing less was asked for."""

    begin: int
    end: int
    whole: bool


class Unsatisfiable(Exception):
    """The part lies beyond the end."""


def part(asked: str | None, if_range: str | None, etag: str, size: int) -> Part:
    """The part to send. Several at once, and what cannot be understood, are answered with the whole. Raises Unsatisfiable."""
    whole = Part(0, size, whole=True)
    found = _ONE.fullmatch(asked.strip()) if asked else None
    # With If-Range, a part is wanted of the same file only.
    if found is None or (if_range is not None and if_range.strip() != etag):
        return whole
    first, last = found.groups()
    if not first and not last:
        return whole
    if not first:
        if int(last) == 0:
            raise Unsatisfiable
        return Part(max(size - int(last), 0), size, whole=False)
    begin, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < begin:
        return whole
    if begin >= size:
        raise Unsatisfiable
    return Part(begin, end, whole=False)
