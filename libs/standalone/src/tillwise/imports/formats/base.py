"""What a format is: the one interface between files and events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tillwise.imports.files import Source
from tillwise.imports.ledger import Ledger, Outgoing
from tillwise.imports.mapping import Fields, Mapping
from tillwise.imports.money import exponent_of
from tillwise.imports.trouble import Trouble
from tillwise_common.contracts.stores import Store


class Job(NamedTuple):
    """All that an adapter needs: the open file, for which store, how to read it, and the books to keep."""

    source: Source
    store: Store
    mapping: Mapping
    ledger: Ledger

    @property
    def exponent(self) -> int:
        """How many decimals of the file's amounts make a minor unit."""
        return exponent_of(self.store.currency) if self.mapping.exponent is None else self.mapping.exponent

    @property
    def zone(self) -> ZoneInfo:
        """Where wall-clock times of the file are meant. Raises Trouble when there is no such timezone."""
        name = self.mapping.timezone or self.store.timezone
        try:
            return ZoneInfo(name)
        except (ValueError, OSError):
            raise Trouble(f"Unknown timezone '{name}': use an IANA name such as Europe/Berlin.") from None


class Format(NamedTuple):
    """An adapter: `read` turns a file into events and rejects in the ledger what it cannot use. It counts every line."""

    name: str
    about: str
    fields: Fields
    read: Callable[[Job], Iterator[Outgoing]]
