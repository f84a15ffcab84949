"""Times of files as instants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

EARLIEST, LATEST = 1970, 2199
ISO, UNIX, UNIX_MS = "iso", "unix", "unix_ms"


def moment_reader(zone: ZoneInfo, formats: Sequence[str] = (ISO,)) -> Callable[[str], datetime | None]:
    """A function from a text to its instant in UTC; None when it is no date between 1970 and 2199.

    `formats` are tried in turn. A time without an offset is wall-clock time in `zone`; a time that the clock shows twice (in
    autumn) is the first of the two, one that it skips (in spring) is taken by the offset before the change.
    """

    @lru_cache(maxsize=4_096)
    def read(text: str) -> datetime | None:
        try:
            local = _parse(text.strip(), formats)
            moment = (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            return None
        return moment if EARLIEST <= moment.year <= LATEST else None

    return read


def _parse(text: str, formats: Sequence[str]) -> datetime:
    for form in formats[:-1]:
        try:
            return _parse_as(text, form)
        except ValueError:
            continue
    return _parse_as(text, formats[-1])


def _parse_as(text: str, form: str) -> datetime:
    if form == ISO:
        return _parse_iso(text)
    if form in (UNIX, UNIX_MS):
        return datetime.fromtimestamp(float(text) / (1000 if form == UNIX_MS else 1), UTC)
    return datetime.strptime(text, form)


def _parse_iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # 2024-03-01 12:00:00 +0100, as some shops write it.
        day, _, rest = text.partition(" ")
        clock, _, offset = rest.partition(" ")
        return datetime.fromisoformat(f"{day} {clock}{'+00:00' if offset == 'UTC' else offset}")
